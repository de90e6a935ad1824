import { slotError } from '../slot.ts'
import type { Assignment, Dialect } from './dialect.ts'
import { ascii, isPlain, quoted, Scanner } from './scanner.ts'

const { backquote, backslash, colon, dollar, doubleQuote, hash, newline, semicolon } = ascii
const { singleQuote, space, tab, tilde } = ascii

/** What ends a word; the rest of the operators begin something that is not followed here. */
const wordEnds = [space, tab, newline, semicolon]
const operators = [...Buffer.from('&|<>()')]
const escapable = [doubleQuote, backslash, backquote, dollar]

/**
 * A file for `.` of a POSIX shell (XCU 2.2 quoting, 2.9.1 simple commands) that consists of assignments,
 * `export` and `set -a`. Any other command could change the variable, so such a file is refused.
 */
export const shell: Dialect = {
  allowsCrlf: false,
  read(content) {
    const scanner = new Scanner(content)
    scanner.refuseByteOrderMark()
    const crlf = content.indexOf('\r\n')
    if (crlf !== -1) {
      const hint = 'convert the file to Unix line ends'
      throw slotError(
        'a shell takes the CR at the end for part of the value',
        { line: scanner.lineOf(crlf) },
        hint,
      )
    }
    const assignments: Assignment[] = []
    while (skipToCommand(scanner)) readCommand(scanner, assignments)
    return assignments
  },
  write(value) {
    if (value.includes(0)) return []
    const inDouble = quoted(value, doubleQuote, escapable)
    if (isPlain(value)) return [Buffer.from(value), quoted(value, singleQuote, []), inDouble]
    return value.includes(singleQuote) ? [inDouble] : [quoted(value, singleQuote, []), inDouble]
  },
}

/** @returns false at the end of the file */
function skipToCommand(scanner: Scanner): boolean {
  for (;;) {
    scanner.skip(...wordEnds)
    if (scanner.byte !== hash) return !scanner.atEnd
    scanner.skipLine()
  }
}

function readCommand(scanner: Scanner, assignments: Assignment[]): void {
  const command = /^(export|set)[ \t\n;]/.exec(lookAhead(scanner))?.[1]
  if (command !== undefined) scanner.at += command.length
  for (;;) {
    scanner.skip(space, tab)
    if (scanner.atEnd || scanner.byte === newline || scanner.byte === semicolon) return
    if (scanner.byte === hash) return scanner.seek(newline)
    readArgument(scanner, command, assignments)
  }
}

function readArgument(scanner: Scanner, command: string | undefined, assignments: Assignment[]) {
  const begin = scanner.at
  const [matched, name, sign] = /^([A-Za-z_]\w*)(=?)/.exec(lookAhead(scanner)) ?? []
  if (command === 'set') return readSetting(scanner)
  if (matched === undefined || name === undefined || (sign === '' && command !== 'export')) {
    refuse(scanner)
  }
  scanner.at += matched.length
  if (sign === '') {
    if (!scanner.atEnd && !wordEnds.includes(scanner.byte)) refuse(scanner)
    return
  }
  const start = scanner.at
  const isComputed = readWord(scanner)
  assignments.push(scanner.assignment(name, begin, { start, end: scanner.at }, isComputed))
}

function readSetting(scanner: Scanner): void {
  const [setting] = /^[-+](a|o allexport)(?=[ \t\n;]|$)/.exec(lookAhead(scanner)) ?? []
  if (setting === undefined) refuse(scanner)
  scanner.at += setting.length
}

/** @returns whether the value depends on something else */
function readWord(scanner: Scanner): boolean {
  let isComputed = false
  let mayBeHome = true
  while (!scanner.atEnd && !wordEnds.includes(scanner.byte)) {
    const { byte } = scanner
    if (operators.includes(byte)) refuse(scanner)
    if (byte === singleQuote) readSingleQuoted(scanner)
    else if (byte === doubleQuote) isComputed = readDoubleQuoted(scanner) || isComputed
    else if (byte === backslash) readEscape(scanner)
    else isComputed = readBare(scanner, mayBeHome) || isComputed
    mayBeHome = byte === colon
  }
  return isComputed
}

function readBare(scanner: Scanner, mayBeHome: boolean): boolean {
  if (scanner.byte === dollar || scanner.byte === backquote) return readExpansion(scanner)
  const isHome = mayBeHome && scanner.byte === tilde
  scanner.take()
  return isHome
}

function readEscape(scanner: Scanner): void {
  scanner.at += 1
  if (scanner.byte === newline) scanner.at += 1
  else if (!scanner.atEnd) scanner.take()
}

function readSingleQuoted(scanner: Scanner): void {
  const { position } = scanner
  scanner.at += 1
  while (scanner.byte !== singleQuote) {
    if (scanner.atEnd) throw slotError('a quote is not closed', position)
    scanner.take()
  }
  scanner.at += 1
}

/** @returns whether something in it is expanded */
function readDoubleQuoted(scanner: Scanner): boolean {
  const { position } = scanner
  let isComputed = false
  scanner.at += 1
  while (scanner.byte !== doubleQuote) {
    if (scanner.atEnd) throw slotError('a quote is not closed', position)
    if (scanner.byte === backslash) readQuotedEscape(scanner)
    else if (scanner.byte === dollar || scanner.byte === backquote) {
      isComputed = readExpansion(scanner) || isComputed
    } else scanner.take()
  }
  scanner.at += 1
  return isComputed
}

function readQuotedEscape(scanner: Scanner): void {
  scanner.at += 1
  if (scanner.byte === newline) scanner.at += 1
  else {
    if (!escapable.includes(scanner.byte)) scanner.collect(backslash)
    if (!scanner.atEnd) scanner.take()
  }
}

/** `$NAME` and `${NAME}`; a dollar before anything else that is no operator is itself. */
function readExpansion(scanner: Scanner): boolean {
  const [expansion] = /^\$(\w+|\{\w+\}|[@*#?$!-])/.exec(lookAhead(scanner)) ?? []
  if (expansion !== undefined) {
    scanner.at += expansion.length
    return true
  }
  if (/^(`|\$[({'"])/.test(lookAhead(scanner))) refuse(scanner)
  scanner.take()
  return false
}

/** Names are not secret; 256 bytes hold any of them. */
function lookAhead({ content, at }: Scanner): string {
  return content.toString('latin1', at, at + 256)
}

function refuse(scanner: Scanner): never {
  throw slotError(
    'this shell file is more than assignments and `export`, so what it sets is not certain',
    scanner.position,
    'keep the variable in a file of its own and read that with `.`',
  )
}
