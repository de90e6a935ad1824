import { SecretBytes } from '../model/secret-bytes.ts'
import type { Assignment, Dialect, Range } from './env-dialects/dialect.ts'
import { foreignValue, type Slot, slotError } from './slot.ts'

/** Bytes. What a program gets as its environment is smaller than that. */
const largestFile = 1024 * 1024

const newline = 0x0a
const carriageReturn = 0x0d

/** The value of one variable in a file of environment variables, by the rules of a dialect. */
export class Variable implements Slot {
  readonly #key: string
  readonly #dialect: Dialect

  constructor(key: string, dialect: Dialect) {
    this.#key = key
    this.#dialect = dialect
  }

  async get(content: Buffer): Promise<SecretBytes | undefined> {
    const assignments = this.#read(content)
    const found = this.#find(assignments)
    wipe(assignments.filter((assignment) => assignment !== found))
    if (!found || found.text) return found?.text
    throw foreignValue(
      `what ${this.#key} means depends on other variables or on the version of its reader`,
      { line: found.line },
      'write the value itself, between single quotes if it contains $',
    )
  }

  async set(content: Buffer | undefined, value: Buffer): Promise<SecretBytes> {
    const present = content ?? Buffer.alloc(0)
    const assignments = this.#read(present)
    const found = this.#find(assignments)
    const isSame = found?.text?.bytes.equals(value) ?? false
    wipe(assignments)
    if (isSame) return SecretBytes.copyOf(present)
    const ways = this.#dialect.write(value)
    const edited = found
      ? this.#replace(present, value, found, ways)
      : this.#append(present, value, ways)
    for (const way of ways) way.fill(0)
    if (edited) return edited
    throw slotError(
      `this dialect cannot express the value of ${this.#key}`,
      found && { line: found.line },
      'choose a format of letters and digits for this target: base64url or hex',
    )
  }

  async remove(content: Buffer): Promise<SecretBytes> {
    const assignments = this.#read(content)
    const found = this.#find(assignments)
    wipe(assignments)
    if (!found) return SecretBytes.copyOf(content)
    const removed = this.#proven(content, splice(content, found.lines), undefined)
    if (removed) return removed
    throw slotError(`${this.#key} shares its line with something else`, { line: found.line })
  }

  async restore(content: Buffer, before: Buffer): Promise<SecretBytes> {
    const [now, earlier] = [this.#read(content), this.#read(before)]
    const [present, former] = [this.#find(now), this.#find(earlier)]
    wipe(now, earlier)
    if (!present) return SecretBytes.copyOf(content)
    if (!former) {
      const removed = await this.remove(content)
      const wasLast = present.lines.end === content.length
      return wasLast && isOpen(before) ? withoutLineBreak(removed) : removed
    }
    const { start, end } = former.written
    return splice(content, present.written, before.subarray(start, end))
  }

  #read(content: Buffer): readonly Assignment[] {
    if (content.length > largestFile) throw slotError('is too large for a file of variables')
    if (content.includes(0)) throw slotError('contains NUL')
    return this.#dialect.read(content)
  }

  #find(assignments: readonly Assignment[]): Assignment | undefined {
    const [found, second] = assignments.filter(({ name }) => name === this.#key)
    if (!found || !second) return found
    throw slotError(
      `${this.#key} is set here and in line ${found.line}`,
      { line: second.line },
      'remove one of them: the last one counts, and the other may still hold an old secret',
    )
  }

  /** Keeps the kind of quotes that is there if the value allows it. */
  #replace(content: Buffer, value: Buffer, { written }: Assignment, ways: readonly Buffer[]) {
    const quote = written.start < written.end ? content[written.start] : undefined
    const alike = ways.filter((way) => way[0] === quote)
    for (const way of [...alike, ...ways]) {
      const edited = this.#proven(content, splice(content, written, way), value)
      if (edited) return edited
    }
    return undefined
  }

  #append(content: Buffer, value: Buffer, ways: readonly Buffer[]) {
    const lineBreak = this.#dialect.allowsCrlf && content.includes('\r\n') ? '\r\n' : '\n'
    const name = Buffer.from(`${isOpen(content) ? lineBreak : ''}${this.#key}=`)
    const end = { start: content.length, end: content.length }
    for (const way of ways) {
      const added = splice(content, end, name, way, Buffer.from(lineBreak))
      const edited = this.#proven(content, added, value)
      if (edited) return edited
    }
    return undefined
  }

  /** `edited`, if reading it gives `value` for the key and for all other keys what they had. */
  #proven(content: Buffer, edited: SecretBytes, value: Buffer | undefined) {
    const before = this.#read(content)
    let after: readonly Assignment[] = []
    let isProven = false
    try {
      after = this.#read(edited.bytes)
      const text = this.#find(after)?.text
      const holds = value ? (text?.bytes.equals(value) ?? false) : !text
      isProven = holds && this.#sameOthers(before, after)
    } catch {
      // An edit that makes the file unreadable is no edit; the next way of writing is tried.
    }
    wipe(before, after)
    if (isProven) return edited
    edited.wipe()
    return undefined
  }

  #sameOthers(before: readonly Assignment[], after: readonly Assignment[]): boolean {
    const [old, now] = [before, after].map((all) => all.filter(({ name }) => name !== this.#key))
    return (
      old?.length === now?.length && (old ?? []).every((one, index) => isSame(one, now?.[index]))
    )
  }
}

/** Whether another line needs a line break first. */
function isOpen(content: Buffer): boolean {
  return content.length > 0 && content.at(-1) !== newline
}

function withoutLineBreak(content: SecretBytes): SecretBytes {
  const { bytes } = content
  const length = bytes.at(-1) !== newline ? 0 : bytes.at(-2) === carriageReturn ? 2 : 1
  const shorter = SecretBytes.copyOf(bytes.subarray(0, bytes.length - length))
  content.wipe()
  return shorter
}

function isSame({ name, text }: Assignment, other: Assignment | undefined): boolean {
  if (name !== other?.name) return false
  return text && other.text ? text.equals(other.text) : text === other.text
}

function splice(content: Buffer, { start, end }: Range, ...pieces: readonly Uint8Array[]) {
  return SecretBytes.take(
    Buffer.concat([content.subarray(0, start), ...pieces, content.subarray(end)]),
  )
}

function wipe(...lists: readonly (readonly Assignment[])[]): void {
  for (const { text } of lists.flat()) text?.wipe()
}
