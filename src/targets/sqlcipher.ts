import { dirname } from 'node:path'
import { z } from 'zod'
import type { Progress } from '../model/rotation.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { type DatabaseKey, databaseKeyOf } from '../sqlcipher/database-key.ts'
import { saltLength } from '../sqlcipher/page-format.ts'
import { opensPage, readFirstPage } from '../sqlcipher/page-key.ts'
import { rehearseRekey, rekeyDatabase } from '../sqlcipher/rekey.ts'
import { inspectPath, syncFolder } from '../support/atomic-files.ts'
import { fileError } from '../support/file-error.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { checkDatabasePlace, databasePath } from './database-place.ts'
import { resolveEarly, tidyBeside } from './live-file.ts'
import {
  type Finding,
  LiveChanged,
  type Move,
  type Place,
  type Target,
  type TargetFile,
  type TargetType,
} from './target.ts'

const schema = z.strictObject({
  path: databasePath.describe('The database file.'),
  cipher: z
    .union([z.literal(3), z.literal(4)])
    .default(4)
    .describe('Major version of SQLCipher whose file format it has.'),
})
type SqlcipherOptions = z.output<typeof schema>

/** A SQLCipher database, encrypted under the material: changing the key re-encrypts what it holds now. */
export const sqlcipher: TargetType<SqlcipherOptions> = {
  schema,
  create: (options, { stateDir }) => new SqlcipherTarget(options, stateDir),
}

/** What a target finds at its place. `key` is the index of the key that opens it. */
type Seen =
  | { readonly state: 'nothing' }
  | { readonly state: 'foreign'; readonly detail: string }
  | { readonly state: 'opens'; readonly key: number; readonly identity: string }

class SqlcipherTarget implements Target {
  readonly type = 'sqlcipher'
  readonly place: Place
  readonly role = 'active'
  readonly offline = true
  readonly #options: SqlcipherOptions
  readonly #stateDir: string

  constructor(options: SqlcipherOptions, stateDir: string) {
    this.place = { path: resolveEarly(options.path), reads: 'database' }
    this.#options = options
    this.#stateDir = stateDir
  }

  get #path(): string {
    return resolveEarly(this.#options.path)
  }

  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const seen = await this.#look([])
    // Without candidates every encrypted database is foreign; only a plaintext one can be told.
    if (seen.state === 'foreign' && seen.detail === plaintext) throw this.#notOurs(seen.detail)
    await checkDatabasePlace(this.#path, this.#stateDir)
  }

  /** Records which file it is. The copy itself is made after the stop, from what is there then. */
  async stage(move: Move, signal: AbortSignal): Promise<SecretBytes> {
    signal.throwIfAborted()
    const seen = await this.#lookFor(move)
    if (seen.state === 'foreign') throw this.#notOurs(seen.detail)
    if (seen.state === 'nothing') {
      if (move.previous) throw this.#gone()
      return SecretBytes.fromText('')
    }
    if (seen.key !== 0) await checkDatabasePlace(this.#path, this.#stateDir)
    return SecretBytes.fromText(seen.identity)
  }

  async activate(
    move: Move,
    held: SecretBytes,
    signal: AbortSignal,
    report?: (progress: Progress) => void,
  ): Promise<void> {
    signal.throwIfAborted()
    const path = this.#path
    const seen = await this.#lookFor(move)
    if (seen.state === 'foreign') throw this.#notOurs(seen.detail)
    if (seen.state === 'nothing') {
      // Its consumer makes it, under the key that it finds in its configuration.
      if (held.length === 0) return
      throw this.#gone()
    }
    if (seen.key === 0) return syncFolder(dirname(path))
    if (!held.equals(SecretBytes.fromText(seen.identity))) {
      throw new LiveChanged(`${path} was replaced while its next key was being prepared`)
    }
    await this.#rekey(move, signal, report)
  }

  /** Nothing but what lies beside it: an older key is given back by `activate`, to what is there then. */
  async withdraw(_move: Move, _held: SecretBytes | undefined, signal: AbortSignal): Promise<void> {
    await this.tidy(signal)
  }

  async inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    signal.throwIfAborted()
    const seen = await this.#look(candidates).catch(messageOf)
    if (typeof seen === 'string') return { holds: 'unknown', detail: seen }
    if (seen.state === 'nothing') return { holds: 'nothing' }
    if (seen.state === 'foreign') return { holds: 'something else', detail: seen.detail }
    const found = candidates[seen.key]
    if (!found) return { holds: 'unknown', detail: 'no candidate' }
    return { holds: 'version', number: found.version.number }
  }

  /** Re-encrypts a copy of what is there now, while its consumer runs, and throws it away. */
  async rehearse(move: Move, signal: AbortSignal): Promise<void> {
    const { edition, previous, rotation } = move
    const held = await this.stage(move, signal)
    if (held.length === 0) return
    if (!previous) throw this.#notOurs(otherKey)
    const keys = [await databaseKeyOf(edition), await databaseKeyOf(previous)] as const
    const [path, { cipher }] = [this.#path, this.#options]
    try {
      await rehearseRekey({ path, cipher, next: keys[0], previous: keys[1], tag: rotation }, signal)
    } finally {
      for (const key of keys) key.bytes.fill(0)
    }
  }

  async files(): Promise<readonly TargetFile[]> {
    const { path, stats } = await inspectPath(this.#path)
    if (!stats) return []
    const { uid, gid, mode } = stats
    return [{ path, uid: Number(uid), gid: Number(gid), mode: Number(mode) & 0o777, sealed: true }]
  }

  async tidy(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await tidyBeside(this.#path, () => false)
  }

  async #rekey(
    { edition, previous, rotation }: Move,
    signal: AbortSignal,
    report?: (progress: Progress) => void,
  ): Promise<void> {
    if (!previous) throw this.#notOurs(otherKey)
    const keys = [await databaseKeyOf(edition), await databaseKeyOf(previous)] as const
    const [path, { cipher }] = [this.#path, this.#options]
    try {
      const rekey = { path, cipher, next: keys[0], previous: keys[1], tag: rotation }
      await rekeyDatabase(rekey, signal, report)
      await this.#proveLive(...keys)
    } finally {
      for (const key of keys) key.bytes.fill(0)
    }
  }

  async #proveLive(next: DatabaseKey, previous: DatabaseKey): Promise<void> {
    const { cipher } = this.#options
    const first = await readFirstPage(this.#path, cipher)
    const proved =
      first.state === 'encrypted' &&
      (await opensPage(first.page, next, cipher)) &&
      !(await opensPage(first.page, previous, cipher))
    if (!proved) throw new OperatorError(`${this.#path} is not under its new key`)
  }

  #lookFor({ edition, previous }: Move): Promise<Seen> {
    return this.#look(previous ? [edition, previous] : [edition])
  }

  /** Reads page 1 and tries the keys in turn. Harmless at any time, also beside a hot journal. */
  async #look(editions: readonly Edition[]): Promise<Seen> {
    const [path, { cipher }] = [this.#path, this.#options]
    const first = await readFirstPage(path, cipher).catch((error: unknown) => {
      throw fileError(error, 'read', path)
    })
    if (first.state !== 'encrypted') {
      const isThere = first.state !== 'absent' && first.state !== 'empty'
      if (!isThere) return { state: 'nothing' }
      return { state: 'foreign', detail: first.state === 'plaintext' ? plaintext : noDatabase }
    }
    for (const [index, edition] of editions.entries()) {
      const key = await databaseKeyOf(edition)
      const opens = await opensPage(first.page, key, cipher).finally(() => key.bytes.fill(0))
      if (!opens) continue
      const salt = first.page.toString('hex', 0, saltLength)
      return { state: 'opens', key: index, identity: `${first.inode} ${salt}` }
    }
    return { state: 'foreign', detail: otherKey }
  }

  #notOurs(detail: string): OperatorError {
    return new OperatorError(`${this.#path}: ${detail}`, {
      kind: 'needs-attention',
      hint: 'nothing was changed; check path, cipher and form, or adopt the key that opens it',
    })
  }

  #gone(): OperatorError {
    return new OperatorError(`there is no database ${this.#path}`, {
      kind: 'needs-attention',
      hint: 'check the path; nothing was changed',
    })
  }
}

const plaintext = 'it is not encrypted'
const noDatabase = 'it is no database'
const otherKey = 'no known key opens it'
