import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { OperatorError } from '../support/operator-error.ts'
import { type Database, isSqliteError, loadSqlite, privately, type Sqlite } from './database.ts'
import { readIfPresent, replaceFile } from './replace-file.ts'

/** Who holds the lock, for messages only: the lock itself is the kernel's. */
export interface Holder {
  readonly pid: number
  readonly host: string
  /** Epoch milliseconds. */
  readonly since: number
}

export type LockAttempt =
  | { readonly held: true; release(): void }
  /** The holder is undefined for the moment between taking the lock and saying so. */
  | { readonly held: false; readonly holder: Holder | undefined }

const holderFormat = z.strictObject({ pid: z.int(), host: z.string(), since: z.number() })

/**
 * An abandoned connection is closed by the garbage collector, and its lock with it: whoever holds a
 * lock without looking at it again must not lose it.
 */
const held = new Set<Database>()

/**
 * Takes the one lock of a state directory, or says who has it. Held by the kernel as a POSIX lock that
 * SQLite takes on `lock.db`, so it ends with the process however that ends, and no stale lock is
 * possible. `lock.db` is a database of its own that nothing else ever opens: any `fs.*` call that opened
 * it here would drop the lock. The holder stands in a plain file beside it.
 * @param now epoch milliseconds
 */
export async function tryLock(stateDir: string, now: number): Promise<LockAttempt> {
  const Sqlite = await loadSqlite()
  const holderPath = join(stateDir, 'lock.json')
  const db = openLock(Sqlite, join(stateDir, 'lock.db'))
  try {
    // Nothing is ever written, so no journal need lie beside it.
    db.pragma('journal_mode = MEMORY')
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (!isSqliteError(error, 'SQLITE_BUSY')) throw error
    return { held: false, holder: readHolder(holderPath) }
  }
  held.add(db)
  const holder: Holder = { pid: process.pid, host: hostname(), since: now }
  try {
    replaceFile(holderPath, JSON.stringify(holder))
  } catch {
    // A full disk must not keep rekeyd from starting: at worst the message names the holder before.
  }
  return {
    held: true,
    release() {
      held.delete(db)
      db.close()
    },
  }
}

/** What to say to whom the lock was refused. */
export function lockedBy(stateDir: string, holder: Holder | undefined): OperatorError {
  const who = holder
    ? `process ${holder.pid} on ${holder.host} since ${new Date(holder.since).toISOString()}`
    : 'another process'
  return new OperatorError(`the store in ${stateDir} is in use by ${who}`, {
    kind: 'locked',
    hint: 'talk to the running daemon (--socket), or stop it first',
  })
}

function openLock(Sqlite: Sqlite, path: string): Database {
  try {
    return privately(() => new Sqlite(path, { timeout: 0 }))
  } catch (error) {
    throw new OperatorError(`cannot open the lock ${path}`, {
      hint: 'state_dir must exist and be writable for the user that rekeyd runs as',
      cause: error,
    })
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return holderFormat.parse(JSON.parse(readIfPresent(path) ?? ''))
  } catch {
    return undefined
  }
}
