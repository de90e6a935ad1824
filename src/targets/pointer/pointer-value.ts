import { isDeepStrictEqual } from 'node:util'
import { SecretBytes } from '../../model/secret-bytes.ts'
import { messageOf, OperatorError } from '../../support/operator-error.ts'
import { foreignValue, type Slot, slotError } from '../slot.ts'
import type { Spot, Syntax, TextRange } from './syntax.ts'

/** Bytes. */
const largestText = 5 * 1024 * 1024
/** Parsers recurse; some 20 000 levels overflow their stack. */
const deepest = 500

const byteOrderMark = '\ufeff'

/** The string at a JSON pointer (RFC 6901) in a text file; everything around it stays byte for byte. */
export class PointerValue implements Slot {
  readonly #pointer: string
  readonly #path: readonly string[]
  readonly #syntax: Syntax

  constructor(pointer: string, syntax: Syntax) {
    this.#pointer = pointer
    this.#syntax = syntax
    this.#path = pointer
      .slice(1)
      .split('/')
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  }

  async get(content: Buffer): Promise<SecretBytes | undefined> {
    const value = this.#valueIn(await this.#parse(decode(content).text))
    if (value === undefined || value === null) return undefined
    if (typeof value === 'string') return SecretBytes.fromText(value)
    throw foreignValue(`${this.#pointer} is not text`, undefined, 'put the value in quotes')
  }

  async set(content: Buffer | undefined, value: Buffer): Promise<SecretBytes> {
    if (!content) {
      throw slotError('does not exist', undefined, 'create the file, or correct the path')
    }
    const { mark, text } = decode(content)
    const wanted = textOf(value)
    const present = this.#valueIn(await this.#parse(text))
    if (present === wanted) return SecretBytes.copyOf(content)
    if (present !== undefined && present !== null && typeof present !== 'string') {
      throw foreignValue(`${this.#pointer} is not text`, undefined, 'put the value in quotes')
    }
    const spot = await this.#syntax.find(text, this.#path)
    const { start, end } = spot.written ?? { start: spot.insertAt, end: spot.insertAt }
    const [before, behind] = spot.around ?? ['', '']
    const old = spot.written && text.slice(start, end)
    const written = before + this.#syntax.write(wanted, old) + behind
    return this.#proven(mark, text, splice(text, { start, end }, written), wanted)
  }

  async remove(content: Buffer): Promise<SecretBytes> {
    const { mark, text } = decode(content)
    if (this.#valueIn(await this.#parse(text)) === undefined) return SecretBytes.copyOf(content)
    const spot = await this.#syntax.find(text, this.#path)
    if (!spot.written) return SecretBytes.copyOf(content)
    return this.#proven(mark, text, splice(text, spot.member, ''), undefined)
  }

  async restore(content: Buffer, before: Buffer): Promise<SecretBytes> {
    const { mark, text } = decode(content)
    const earlier = decode(before).text
    const value = this.#valueIn(await this.#parse(earlier))
    if (value === undefined) return this.remove(content)
    const [now, then] = [await this.#findValue(text), await this.#findValue(earlier)]
    const written = earlier.slice(then.written.start, then.written.end)
    // What `set` put around the value that took its place goes with it.
    const [ahead, behind] = then.around ?? ['', '']
    const ownBreak = now.around?.[1] ?? ''
    const start = now.written.start - (text.endsWith(ahead, now.written.start) ? ahead.length : 0)
    const isPutBehind = ownBreak === '' && text.startsWith(behind, now.written.end)
    const end = now.written.end + (isPutBehind ? behind.length : 0)
    const whole = written + (behind === '' ? ownBreak : '')
    return this.#proven(mark, text, splice(text, { start, end }, whole), value)
  }

  async #findValue(text: string) {
    const spot: Spot = await this.#syntax.find(text, this.#path)
    if (spot.written) return spot
    throw slotError(`has no ${this.#pointer}`)
  }

  /** The edited text, if what it means differs from the old one in this value alone. */
  async #proven(mark: string, text: string, edited: string, value: unknown): Promise<SecretBytes> {
    const expected = await this.#parse(text)
    this.#replaceIn(expected, value)
    const found = await this.#parse(edited).catch(() => undefined)
    const parents = value === undefined ? this.#path.slice(0, -1) : []
    if (isDeepStrictEqual(pruned(found, parents), pruned(expected, parents)))
      return SecretBytes.fromText(mark + edited)
    throw slotError(
      `${this.#pointer} cannot be changed without changing something else`,
      undefined,
      'write the key once by hand, as a quoted string on a line of its own',
    )
  }

  async #parse(text: string): Promise<unknown> {
    if (isTooDeep(text)) throw slotError('is nested too deeply')
    try {
      return await this.#syntax.parse(text)
    } catch (error) {
      if (error instanceof OperatorError) throw error
      // The parser's own message quotes what it read.
      throw slotError(`is not valid ${this.#syntax.name}`, positionIn(error))
    }
  }

  #valueIn(data: unknown): unknown {
    return this.#path.reduce<unknown>((parent, name) => memberOf(parent, name), data)
  }

  #replaceIn(data: unknown, value: unknown): void {
    const parent = this.#path
      .slice(0, -1)
      .reduce<unknown>((parent, name) => memberOf(parent, name), data)
    const name = this.#path.at(-1) ?? ''
    if (typeof parent !== 'object' || parent === null) return
    if (value === undefined) Reflect.deleteProperty(parent, name)
    else Reflect.set(parent, name, value)
  }
}

function memberOf(parent: unknown, name: string): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, name))
    return undefined
  return Reflect.get(parent, name)
}

/** A table that lost its only key may be written as nothing, or be gone. */
function pruned(data: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (Array.isArray(data) || typeof data !== 'object') return data
  const child = name === undefined ? undefined : memberOf(data, name)
  if (data && name !== undefined && child !== undefined && pruned(child, rest) === undefined) {
    Reflect.deleteProperty(data, name)
  }
  return data === null || Object.keys(data).length === 0 ? undefined : data
}

function decode(content: Buffer): { readonly mark: string; readonly text: string } {
  const text = textOf(content)
  const mark = text.startsWith(byteOrderMark) ? byteOrderMark : ''
  return { mark, text: text.slice(mark.length) }
}

function textOf(bytes: Buffer): string {
  if (bytes.length > largestText) throw slotError('is too large to be edited')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw slotError('is not UTF-8 text', undefined, 'choose a text format such as base64url')
  }
}

function splice(text: string, { start, end }: TextRange, written: string): string {
  return text.slice(0, start) + written + text.slice(end)
}

/** Counts brackets, in strings too: a limit on the safe side that nothing real comes near. */
function isTooDeep(text: string): boolean {
  let depth = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    if (depth > deepest) return true
  }
  return false
}

/** Each parser has its own way to say where: properties, or V8's "(line 1 column 2)". */
function positionIn(error: unknown): { line: number; column: number } | undefined {
  if (error instanceof Error && 'line' in error && 'column' in error) {
    return { line: Number(error.line), column: Number(error.column) }
  }
  const [, line, column] = /\(line (\d+) column (\d+)\)$/.exec(messageOf(error)) ?? []
  return line === undefined ? undefined : { line: Number(line), column: Number(column) }
}
