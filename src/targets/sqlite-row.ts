import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import {
  type RowUnlock,
  type RowValue,
  readRow,
  type StoredAs,
  writeRow,
} from '../sqlcipher/row.ts'
import { unlockOptions } from '../sqlcipher/unlock-options.ts'
import { withUnlocked } from '../sqlcipher/with-unlocked.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { checkDatabasePlace, databasePath } from './database-place.ts'
import { resolveEarly, tidyBeside } from './live-file.ts'
import {
  type Finding,
  LiveChanged,
  type Move,
  type Place,
  type Role,
  type Target,
  type TargetContext,
  type TargetType,
} from './target.ts'
import { writtenFields, writtenPart } from './written-part.ts'

const schema = z.strictObject({
  path: databasePath.describe('The database file.'),
  ...unlockOptions,
  table: z.string().min(1).describe('The table.'),
  column: z.string().min(1).describe('The column that holds the value.'),
  where: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .refine((where) => Object.keys(where).length > 0, { error: 'names no column' })
    .describe('Values of other columns that together match exactly one row.'),
  as: z
    .enum(['blob', 'text'])
    .optional()
    .describe('How SQLite stores the value; by default as the present one.'),
  ...writtenPart,
})
export type SqliteRowOptions = z.output<typeof schema>

/** One column of one row in a consumer's database, plain or SQLCipher. */
export const sqliteRow: TargetType<SqliteRowOptions> = {
  schema,
  create: (options, context) => new SqliteRow(options, context),
}

const newline = 0x0a

class SqliteRow implements Target {
  readonly type = 'sqlite_row'
  readonly place: Place
  readonly role: Role
  readonly part?: string
  readonly format?: NonNullable<SqliteRowOptions['format']>
  readonly offline = true
  readonly #options: SqliteRowOptions
  readonly #context: TargetContext

  constructor(options: SqliteRowOptions, context: TargetContext) {
    const { path, table, column, where } = options
    const row = Object.entries(where).map(([name, value]) => `${name}=${value}`)
    const key = `${table}(${row.join(',')}).${column}`
    this.place = { path: resolveEarly(path), key, reads: 'database' }
    const { role, part, format } = writtenFields(options)
    this.role = role
    if (part !== undefined) this.part = part
    if (format !== undefined) this.format = format
    this.#options = options
    this.#context = context
  }

  async check(signal: AbortSignal): Promise<void> {
    await checkDatabasePlace(this.#path, this.#context.stateDir)
    using present = await this.#present(signal)
    present.value()
  }

  async stage(_move: Move, signal: AbortSignal): Promise<SecretBytes> {
    using present = await this.#present(signal)
    return encode(present.value())
  }

  async activate({ edition }: Move, held: SecretBytes, signal: AbortSignal): Promise<void> {
    const wanted = await this.#valueOf(edition)
    using present = await this.#present(signal)
    const value = present.value()
    if (value.bytes.equals(wanted.bytes)) return
    if (!encode(value).equals(held)) {
      throw new LiveChanged(`${this.#name} was changed while its next value was being prepared`)
    }
    await this.#write(wanted.bytes, this.#options.as, signal)
  }

  async withdraw(
    { edition }: Move,
    held: SecretBytes | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const withdrawn = await this.#valueOf(edition)
    using present = await this.#present(signal)
    if (present.found?.bytes.equals(withdrawn.bytes) !== true) return
    const before = held ? decode(held) : { type: 'null' as const, bytes: Buffer.alloc(0) }
    await this.#write(before.bytes, before.type, signal)
  }

  async inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    const seen = await this.#present(signal).catch(messageOf)
    if (typeof seen === 'string') return { holds: 'unknown', detail: seen }
    using present = seen
    if (!present.found || present.found.type === 'null') return { holds: 'nothing' }
    for (const edition of candidates) {
      const value = await this.#valueOf(edition)
      const same = value.bytes.equals(present.found.bytes)
      value.wipe()
      if (same) return { holds: 'version', number: edition.version.number }
    }
    return { holds: 'something else' }
  }

  async read(signal: AbortSignal): Promise<SecretBytes | undefined> {
    using present = await this.#present(signal)
    if (!present.found || present.found.type === 'null') return undefined
    return SecretBytes.copyOf(present.found.bytes)
  }

  async tidy(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await tidyBeside(this.#path, () => false)
  }

  get #path(): string {
    return resolveEarly(this.#options.path)
  }

  get #name(): string {
    return `${this.#path} ${this.place.key}`
  }

  #valueOf(edition: Edition): Promise<SecretBytes> {
    return edition.bytes(this.part, this.format)
  }

  /** The row as it is; its value is wiped at the end of the scope. */
  async #present(signal: AbortSignal) {
    signal.throwIfAborted()
    const found = await this.#unlocked((unlock) => readRow(this.#address, unlock, signal))
    return {
      found,
      /** @throws OperatorError when there is no row, or a number in it */
      value: () => {
        if (found && found.type !== 'integer' && found.type !== 'real') return found as Held
        throw new OperatorError(`${this.#name}: ${found ? 'holds a number' : 'no row matches'}`, {
          kind: 'refused',
          hint: 'check table, column and where; rekeyd changes rows, it adds none',
        })
      },
      [Symbol.dispose]: () => void found?.bytes.fill(0),
    }
  }

  async #write(value: Buffer, as: StoredAs | undefined, signal: AbortSignal): Promise<void> {
    await this.#unlocked((unlock) => writeRow(this.#address, unlock, value, as, signal))
  }

  get #address() {
    const { table, column, where } = this.#options
    return { path: this.#path, table, column, where }
  }

  #unlocked<T>(use: (unlock: RowUnlock | undefined) => Promise<T>): Promise<T> {
    const editionOf = (material: string) => this.#context.editionOf(material)
    return withUnlocked({ ...this.#options, path: this.#path }, editionOf, use)
  }
}

interface Held {
  readonly type: StoredAs
  readonly bytes: Buffer
}

/** How the value is stored, a newline, and the bytes. */
function encode({ type, bytes }: RowValue): SecretBytes {
  return SecretBytes.take(Buffer.concat([Buffer.from(`${type}\n`), bytes]))
}

function decode(held: SecretBytes): Held {
  const end = held.bytes.indexOf(newline)
  const type = held.bytes.toString('latin1', 0, end) as StoredAs
  return { type, bytes: held.bytes.subarray(end + 1) }
}
