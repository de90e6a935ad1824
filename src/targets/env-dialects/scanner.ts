import { SecretBytes } from '../../model/secret-bytes.ts'
import { type Position, slotError } from '../slot.ts'
import type { Assignment, Range } from './dialect.ts'

/** ASCII, by name. */
export const ascii = {
  tab: 0x09,
  newline: 0x0a,
  return: 0x0d,
  space: 0x20,
  doubleQuote: 0x22,
  hash: 0x23,
  dollar: 0x24,
  singleQuote: 0x27,
  colon: 0x3a,
  semicolon: 0x3b,
  equals: 0x3d,
  backslash: 0x5c,
  backquote: 0x60,
  tilde: 0x7e,
} satisfies Record<string, number>

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Walks over the bytes of a file and collects the value that is being read. Bytes, not text: a string
 * with a secret in it cannot be wiped.
 */
export class Scanner {
  readonly content: Buffer
  at = 0
  readonly #collected: Buffer
  #length = 0
  #counted = 0
  #line = 1

  constructor(content: Buffer) {
    this.content = content
    // Off V8's heap, as SecretBytes is.
    this.#collected = Buffer.alloc(Math.max(2 * content.length, 128))
  }

  /** The byte at the position, or -1 at the end. */
  get byte(): number {
    return this.content[this.at] ?? -1
  }

  get atEnd(): boolean {
    return this.at >= this.content.length
  }

  get position(): Position {
    return { line: this.lineOf(this.at) }
  }

  /** Cheap when asked for rising offsets. */
  lineOf(offset: number): number {
    if (offset < this.#counted) {
      this.#counted = 0
      this.#line = 1
    }
    for (; this.#counted < offset; this.#counted += 1) {
      if (this.content[this.#counted] === ascii.newline) this.#line += 1
    }
    return this.#line
  }

  /** Moves on while the byte is one of `bytes`. */
  skip(...bytes: readonly number[]): void {
    while (bytes.includes(this.byte)) this.at += 1
  }

  /** Moves to the next of `bytes`, or to the end. */
  seek(...bytes: readonly number[]): void {
    while (!this.atEnd && !bytes.includes(this.byte)) this.at += 1
  }

  /** Moves behind the next newline, or to the end. */
  skipLine(): void {
    this.seek(ascii.newline)
    if (!this.atEnd) this.at += 1
  }

  skipByteOrderMark(): void {
    if (this.startsWith(byteOrderMark)) this.at += byteOrderMark.length
  }

  refuseByteOrderMark(): void {
    if (!this.startsWith(byteOrderMark)) return
    throw slotError('begins with a byte order mark, which hides its first line', { line: 1 })
  }

  startsWith(bytes: Buffer): boolean {
    return this.content.subarray(this.at, this.at + bytes.length).equals(bytes)
  }

  /** Adds a byte to the value. */
  collect(byte: number): void {
    this.#collected[this.#length] = byte
    this.#length += 1
  }

  /** Takes the byte at the position into the value and moves on. */
  take(): void {
    this.collect(this.byte)
    this.at += 1
  }

  /** Ends the value. */
  collected(): SecretBytes {
    const value = SecretBytes.take(this.#collected.subarray(0, this.#length))
    this.#length = 0
    return value
  }

  /** The assignment whose value is over; the position stays. */
  assignment(name: string, begin: number, written: Range, isComputed = false): Assignment {
    const text = this.collected()
    const before = begin === 0 ? -1 : this.content.lastIndexOf(ascii.newline, begin - 1)
    const after = this.content.indexOf(ascii.newline, this.at)
    const end = after === -1 ? this.content.length : after + 1
    return {
      name,
      line: this.lineOf(begin),
      lines: { start: before + 1, end },
      written,
      text: isComputed ? undefined : text,
    }
  }
}

const plainBytes = new Set(
  Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+,./:=@%-'),
)

/** Whether `value` consists of bytes that no dialect gives a meaning to. */
export function isPlain(value: Buffer): boolean {
  return value.length > 0 && value.every((byte) => plainBytes.has(byte))
}

/** A copy of `value` between `quote`s, with a backslash before each of `escaped`. */
export function quoted(value: Buffer, quote: number, escaped: readonly number[]): Buffer {
  const written = Buffer.alloc(Math.max(2 * value.length + 2, 128))
  let length = 0
  const put = (byte: number) => {
    written[length] = byte
    length += 1
  }
  put(quote)
  for (const byte of value) {
    if (escaped.includes(byte)) put(ascii.backslash)
    put(byte)
  }
  put(quote)
  return written.subarray(0, length)
}
