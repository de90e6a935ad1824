import { isUtf8 } from 'node:buffer'
import { slotError } from '../slot.ts'
import type { Assignment, Dialect, Range } from './dialect.ts'
import { ascii, isPlain, quoted, Scanner } from './scanner.ts'

const { backslash, colon, dollar, doubleQuote, equals, hash, newline, singleQuote } = ascii
const blanks = [ascii.space, ascii.tab, ascii.return, 0x0b, 0x0c]

/** What a backslash and a letter mean between double quotes. */
const escapes: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': backslash,
  $: dollar,
}

/**
 * `.env` and `env_file:` of Docker Compose, as dotenv/parser.go of compose-spec/compose-go reads them:
 * `$` is expanded but between single quotes, ` #` begins a comment behind a value without quotes.
 */
export const compose: Dialect = {
  allowsCrlf: true,
  read(content) {
    const scanner = new Scanner(content)
    scanner.skipByteOrderMark()
    const assignments: Assignment[] = []
    while (skipToName(scanner)) {
      const begin = scanner.at
      const name = readName(scanner)
      if (name !== undefined) assignments.push(readValue(scanner, name, begin))
    }
    return assignments
  },
  write(value) {
    // The engine is asked in JSON, which cannot carry other bytes.
    if (value.includes(0) || !isUtf8(value)) return []
    const ways: Buffer[] = isPlain(value) ? [Buffer.from(value)] : []
    const isLiteral = !value.includes(singleQuote) && !value.includes(backslash)
    if (isLiteral) ways.push(quoted(value, singleQuote, []))
    return [...ways, quoted(value, doubleQuote, [doubleQuote, backslash, dollar])]
  },
}

/** @returns false at the end of the file */
function skipToName(scanner: Scanner): boolean {
  for (;;) {
    scanner.skip(newline, ...blanks)
    if (scanner.byte !== hash) return !scanner.atEnd
    scanner.skipLine()
  }
}

/** @returns undefined for a name alone, which Compose takes from its own environment */
function readName(scanner: Scanner): string | undefined {
  const { position } = scanner
  if (/^export[ \t]/.test(scanner.content.toString('latin1', scanner.at, scanner.at + 7))) {
    scanner.at += 'export'.length
    scanner.skip(...blanks)
  }
  const start = scanner.at
  scanner.seek(equals, colon, newline)
  const name = scanner.content.toString('latin1', start, scanner.at).trimEnd()
  if (!/^[\w.[\]\x80-\xff-]+$/.test(name)) {
    throw slotError('Docker Compose refuses this line: it begins with no name', position)
  }
  if (scanner.atEnd || scanner.byte === newline) return undefined
  scanner.at += 1
  return name
}

function readValue(scanner: Scanner, name: string, begin: number): Assignment {
  const behindSign = scanner.at
  scanner.skip(...blanks)
  const start = scanner.at
  const quote = scanner.byte
  if (quote === singleQuote) return readSingleQuoted(scanner, name, begin)
  if (quote === doubleQuote) return readDoubleQuoted(scanner, name, begin)
  const end = endOfBare(scanner)
  let isComputed = scanner.content.subarray(start, end).includes(hash)
  while (scanner.at < end) if (!takeUnlessExpanded(scanner)) isComputed = true
  const written: Range = end > start ? { start, end } : { start: behindSign, end: behindSign }
  scanner.seek(newline)
  return scanner.assignment(name, begin, written, isComputed)
}

/** A `#` without a blank before it is part of the value or, to older versions, a comment. */
function endOfBare({ content, at }: Scanner): number {
  const newlineAt = content.indexOf(newline, at)
  const line = content.subarray(at, newlineAt === -1 ? content.length : newlineAt)
  const comment = line.indexOf(' #')
  let length = comment === -1 ? line.length : comment
  while (length > 0 && blanks.includes(line[length - 1] ?? 0)) length -= 1
  return at + length
}

function readSingleQuoted(scanner: Scanner, name: string, begin: number): Assignment {
  const start = scanner.at
  scanner.at += 1
  while (scanner.byte !== singleQuote) {
    refuseEnd(scanner, start)
    if (scanner.byte === backslash) {
      scanner.at += 1
      if (scanner.byte !== singleQuote) scanner.collect(backslash)
      refuseEnd(scanner, start)
    }
    scanner.take()
  }
  scanner.at += 1
  return scanner.assignment(name, begin, { start, end: scanner.at })
}

function readDoubleQuoted(scanner: Scanner, name: string, begin: number): Assignment {
  const start = scanner.at
  let isComputed = false
  scanner.at += 1
  while (scanner.byte !== doubleQuote) {
    refuseEnd(scanner, start)
    const isForeseen =
      scanner.byte === backslash ? readEscape(scanner, start) : takeUnlessExpanded(scanner)
    if (!isForeseen) isComputed = true
  }
  scanner.at += 1
  return scanner.assignment(name, begin, { start, end: scanner.at }, isComputed)
}

/** @returns false for an octal escape, which is left alone here */
function readEscape(scanner: Scanner, start: number): boolean {
  scanner.at += 1
  refuseEnd(scanner, start)
  const letter = String.fromCharCode(scanner.byte)
  const meaning = escapes[letter]
  if (meaning !== undefined) {
    scanner.collect(meaning)
    scanner.at += 1
    return true
  }
  if (scanner.byte !== doubleQuote) scanner.collect(backslash)
  scanner.take()
  return letter !== '0'
}

/** `$$` is a dollar. @returns false for a variable */
function takeUnlessExpanded(scanner: Scanner): boolean {
  const isDollar = scanner.byte === dollar
  scanner.take()
  if (!isDollar) return true
  if (scanner.byte !== dollar) return false
  scanner.at += 1
  return true
}

function refuseEnd(scanner: Scanner, start: number): void {
  if (scanner.atEnd) throw slotError('a quote is not closed', { line: scanner.lineOf(start) })
}
