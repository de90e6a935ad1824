import { isUtf8 } from 'node:buffer'
import { slotError } from '../slot.ts'
import type { Assignment, Dialect } from './dialect.ts'
import { ascii, Scanner } from './scanner.ts'

const { doubleQuote, equals, hash, newline, singleQuote, space, tab } = ascii
const carriageReturn = ascii.return

/** The reader of the docker CLI takes lines of less than 64 KiB. */
const longestValue = 60_000

/**
 * `docker run --env-file`, as pkg/kvfile of docker/cli reads it: one variable a line, the value is
 * everything after `=` and literal, blanks at the end included. A pair of quotes around the whole value is
 * part of it in most versions and taken off by the newest: such a value is not certain.
 */
export const docker: Dialect = {
  allowsCrlf: true,
  read(content) {
    if (!isUtf8(content)) throw slotError('is not UTF-8: docker refuses it')
    const scanner = new Scanner(content)
    scanner.skipByteOrderMark()
    const assignments: Assignment[] = []
    while (skipToName(scanner)) {
      const begin = scanner.at
      const name = readName(scanner)
      if (name !== undefined) assignments.push(readLiteral(scanner, name, begin))
    }
    return assignments
  },
  write(value) {
    const isExpressible =
      value.length <= longestValue &&
      isUtf8(value) &&
      !isInQuotes(value) &&
      ![0, newline, carriageReturn].some((byte) => value.includes(byte))
    return isExpressible ? [Buffer.from(value)] : []
  },
}

/** @returns false at the end of the file */
function skipToName(scanner: Scanner): boolean {
  for (;;) {
    scanner.skip(space, tab, newline, carriageReturn)
    if (scanner.byte !== hash) return !scanner.atEnd
    scanner.skipLine()
  }
}

/** @returns undefined for a name alone, which docker takes from its own environment */
function readName(scanner: Scanner): string | undefined {
  const start = scanner.at
  const { position } = scanner
  scanner.seek(equals, newline)
  const name = scanner.content.toString('latin1', start, scanner.at).replace(/\r$/, '')
  if (name === '') throw slotError('docker refuses a line without a name', position)
  if (/[ \t]/.test(name)) {
    const hint = 'write NAME=value, without `export` and without blanks around the `=`'
    throw slotError('docker refuses a name with blanks in it', position, hint)
  }
  if (scanner.byte !== equals) return undefined
  scanner.at += 1
  return name
}

function readLiteral(scanner: Scanner, name: string, begin: number): Assignment {
  const start = scanner.at
  scanner.seek(newline)
  const line = scanner.content.subarray(start, scanner.at)
  const end = line.at(-1) === carriageReturn ? scanner.at - 1 : scanner.at
  for (scanner.at = start; scanner.at < end; ) scanner.take()
  const isUncertain = isInQuotes(scanner.content.subarray(start, end))
  return scanner.assignment(name, begin, { start, end }, isUncertain)
}

function isInQuotes(value: Buffer): boolean {
  const [first] = value
  const isQuote = first === singleQuote || first === doubleQuote
  return isQuote && value.length > 1 && value.at(-1) === first
}
