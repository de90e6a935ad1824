import { isUtf8 } from 'node:buffer'
import { slotError } from '../slot.ts'
import type { Assignment, Dialect, Range } from './dialect.ts'
import { ascii, isPlain, quoted, Scanner } from './scanner.ts'

const { backquote, backslash, dollar, doubleQuote, equals, hash, newline, semicolon } = ascii
const { singleQuote, space, tab } = ascii
const carriageReturn = ascii.return

/** What a backslash takes the meaning from between double quotes; before anything else it stays. */
const escapable = [doubleQuote, backslash, backquote, dollar]

/**
 * `EnvironmentFile=` of systemd.exec(5), as src/basic/env-file.c reads it: `#` and `;` begin comments,
 * nothing is expanded, quotes may span lines and are joined with what follows, CR ends a line as LF does.
 */
export const systemd: Dialect = {
  allowsCrlf: true,
  read(content) {
    const scanner = new Scanner(content)
    scanner.refuseByteOrderMark()
    const assignments: Assignment[] = []
    while (skipToKey(scanner)) {
      const begin = scanner.at
      const name = readKey(scanner)
      if (name === undefined) continue
      refuseExport(name, scanner.lineOf(begin))
      const written = readValue(scanner)
      const assignment = scanner.assignment(name, begin, written)
      refuseNonUtf8(assignment)
      assignments.push(assignment)
    }
    return assignments
  },
  write(value) {
    if (value.includes(0) || !isUtf8(value)) return []
    const ways = [quoted(value, doubleQuote, escapable)]
    if (!value.includes(singleQuote)) ways.push(quoted(value, singleQuote, []))
    return isPlain(value) ? [Buffer.from(value), ...ways] : ways
  },
}

/** @returns false at the end of the file */
function skipToKey(scanner: Scanner): boolean {
  for (;;) {
    scanner.skip(space, tab, newline, carriageReturn)
    if (scanner.atEnd) return false
    if (scanner.byte !== hash && scanner.byte !== semicolon) return true
    skipComment(scanner)
  }
}

/** Up to version 253 a backslash at the end of a comment makes the next line part of it. */
function skipComment(scanner: Scanner): void {
  scanner.seek(newline, carriageReturn)
  if (scanner.content[scanner.at - 1] !== backslash) return
  const next = scanner.content.subarray(scanner.at + 1)
  if (next.length === 0 || next[0] === newline || next[0] === hash) return
  throw slotError(
    'a comment ends in a backslash: only some versions of systemd read the next line',
    scanner.position,
    'remove the backslash',
  )
}

/** @returns undefined for a line without `=`, which systemd passes over */
function readKey(scanner: Scanner): string | undefined {
  const start = scanner.at
  scanner.seek(equals, newline, carriageReturn)
  if (scanner.byte !== equals) return undefined
  const name = scanner.content.toString('latin1', start, scanner.at).trimEnd()
  scanner.at += 1
  return name
}

function refuseExport(name: string, line: number): void {
  if (!/^export\s/.test(name)) return
  throw slotError('systemd passes over lines with `export`', { line }, 'remove the word `export`')
}

/** Such a line makes systemd refuse the whole file, and with it the start of the unit. */
function refuseNonUtf8({ name, text, line }: Assignment): void {
  if (isUtf8(Buffer.from(name, 'latin1')) && isUtf8(text?.bytes ?? Buffer.alloc(0))) return
  throw slotError(
    'systemd refuses what is not UTF-8',
    { line },
    'choose a text format: base64url or hex',
  )
}

function readValue(scanner: Scanner): Range {
  let start: number | undefined
  let end = scanner.at
  for (;;) {
    scanner.skip(space, tab)
    const { at, byte } = scanner
    if (scanner.atEnd || byte === newline || byte === carriageReturn) {
      return { start: start ?? end, end }
    }
    start ??= at
    if (byte === singleQuote || byte === doubleQuote) readQuoted(scanner, byte)
    else return { start, end: readBare(scanner) }
    end = scanner.at
  }
}

function readQuoted(scanner: Scanner, quote: number): void {
  const { position } = scanner
  scanner.at += 1
  while (scanner.byte !== quote) {
    if (scanner.atEnd) throw slotError('a quote is not closed', position)
    if (quote === doubleQuote && scanner.byte === backslash) readEscape(scanner)
    else scanner.take()
  }
  scanner.at += 1
}

function readEscape(scanner: Scanner): void {
  scanner.at += 1
  if (scanner.byte === newline) {
    scanner.at += 1
    return
  }
  if (!escapable.includes(scanner.byte)) scanner.collect(backslash)
  if (!scanner.atEnd) scanner.take()
}

/** Quotes mean nothing any more; blanks at the end do not count unless a backslash precedes them. */
function readBare(scanner: Scanner): number {
  let end = scanner.at
  let blanks: number[] = []
  for (; !scanner.atEnd && ![newline, carriageReturn].includes(scanner.byte); end = scanner.at) {
    while (scanner.byte === space || scanner.byte === tab) {
      blanks.push(scanner.byte)
      scanner.at += 1
    }
    if (scanner.atEnd || scanner.byte === newline || scanner.byte === carriageReturn) break
    for (const blank of blanks) scanner.collect(blank)
    blanks = []
    if (scanner.byte !== backslash) scanner.take()
    else readBareEscape(scanner)
  }
  return end
}

function readBareEscape(scanner: Scanner): void {
  scanner.at += 1
  if (scanner.atEnd) return
  // An escaped line break vanishes.
  if (scanner.byte === newline || scanner.byte === carriageReturn) scanner.at += 1
  else scanner.take()
}
