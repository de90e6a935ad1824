import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3-multiple-ciphers'
import { encodeHex } from '../formats/hex.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import { migrations } from './migrations.ts'

/** The part of the library's constructor that is used here. */
export type Sqlite = new (
  path: string,
  options: {
    readonly timeout: number
    readonly fileMustExist?: boolean
    readonly readonly?: boolean
  },
) => Database

export type { Database }

/**
 * Busy waits block the event loop, and nobody but a stale daemon ever holds the database beside us.
 * Milliseconds.
 */
const busyTimeout = 250

/**
 * Pages of 4 KiB after which the write-ahead log is written back and begun anew. Small, so that the
 * log stays within what reserve.ts keeps for it.
 */
export const logPages = 128

/** Of one page. */
export const pageBytes = 4096

/**
 * The library, loaded only when a database is opened. No `fs.*` call that opens a file may ever touch
 * a database path in this process: closing any descriptor of it drops SQLite's POSIX locks. `stat` and
 * `rename` are fine, they open nothing.
 */
export async function loadSqlite(): Promise<Sqlite> {
  const library = await import('better-sqlite3-multiple-ciphers')
  return library.default
}

export function databasePath(stateDir: string): string {
  return join(stateDir, 'store.db')
}

/** Makes a new encrypted database with the newest schema. The path must be free. */
export async function createDatabase(path: string, key: SecretBytes): Promise<Database> {
  const Sqlite = await loadSqlite()
  return privately(() => {
    const db = new Sqlite(path, { timeout: busyTimeout })
    unlock(db, key)
    configure(db)
    migrate(db)
    return db
  })
}

/** Runs what makes a database: SQLite has no option for the mode of its files, so 0600 comes from the umask. */
export function privately<T>(make: () => T): T {
  const umask = process.umask(0o077)
  try {
    return make()
  } finally {
    process.umask(umask)
  }
}

/**
 * Opens an existing database, checks every page in use, and brings its schema up to date.
 * @throws OperatorError, never making or changing a file: `locked` when it is absent, `needs-attention` when it is
 *   empty, damaged or encrypted under another key, `failed` when a newer rekeyd wrote it
 */
export async function openDatabase(path: string, key: SecretBytes): Promise<Database> {
  refuseAbsent(path)
  const Sqlite = await loadSqlite()
  examine(Sqlite, path, key)
  const db = new Sqlite(path, { fileMustExist: true, timeout: busyTimeout })
  try {
    unlock(db, key)
    configure(db)
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw explain(path, error)
  }
}

/**
 * Looks at every page before anything can be written: closing a connection that may write would play the log back into
 * what is found to be damaged.
 */
function examine(Sqlite: Sqlite, path: string, key: SecretBytes): void {
  const hadLog = lstatSync(`${path}-wal`, { throwIfNoEntry: false }) !== undefined
  const db = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: busyTimeout })
  try {
    unlock(db, key)
    // The first read: a wrong key shows here.
    db.pragma('schema_version')
    db.pragma('cell_size_check = ON')
    const isEmpty = schemaOf(db) === 0
    if (isEmpty || db.pragma('quick_check', { simple: true }) !== 'ok') throw damaged(path)
    refuseNewer(db)
  } catch (error) {
    throw explain(path, error)
  } finally {
    db.close()
    if (!hadLog) for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true })
  }
}

function explain(path: string, error: unknown): unknown {
  if (isSqliteError(error, 'SQLITE_NOTADB', 'SQLITE_CORRUPT')) return damaged(path, error)
  return isFull(error) ? noSpace(path, error) : error
}

/** Writes everything that is in use into a new file under the same key: consistent, and without free pages. */
export function vacuumInto(db: Database, path: string): void {
  privately(() => db.prepare('VACUUM INTO ?').run(path))
}

/** Encrypts every page anew. For a file that nobody else uses yet. */
export function rekeyDatabase(db: Database, key: SecretBytes): void {
  // The cipher is not changed from within a write-ahead log.
  db.pragma('journal_mode = DELETE')
  const literal = rawKeyLiteral(key)
  db.rekey(literal.bytes)
  literal.wipe()
}

/** With its log and whatever else lies beside it. Absent is success. */
export function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true })
}

/** Whether `error` came from SQLite with a code that starts with one of `codes`. */
export function isSqliteError(error: unknown, ...codes: string[]): error is Error {
  if (!(error instanceof Error) || error.name !== 'SqliteError' || !('code' in error)) return false
  const code = String(error.code)
  return codes.length === 0 || codes.some((prefix) => code.startsWith(prefix))
}

/** Whether SQLite found no room, for the database, its log or the index of that. */
export function isFull(error: unknown): error is Error {
  return isSqliteError(error, 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE')
}

/** What to say then. */
export function noSpace(path: string, cause: Error): OperatorError {
  return new OperatorError(`no space left for the store ${path}`, {
    hint: `make room on the file system of ${path}`,
    cause,
  })
}

/** @throws OperatorError for what is not there, or is no file with something in it */
export function refuseAbsent(path: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (!status) {
    throw new OperatorError(`there is no store ${path}`, {
      kind: 'locked',
      hint: 'make one with rekeyd init, bring one back with rekeyd restore, or check state_dir in the config',
    })
  }
  if (!status.isFile()) {
    const hint = 'move the database itself there: nothing else may stand in its place'
    throw unusable(`the store ${path} is not a regular file`, hint)
  }
  if (status.size === 0) {
    const hint = 'bring it back from a backup: rekeyd restore'
    throw unusable(`the store ${path} is empty: something cut it off`, hint)
  }
  // SQLite takes a file of one byte for an empty database, too, and removes the log beside it.
  if (status.size < pageBytes) throw damaged(path)
}

/**
 * SQLCipher 4 format (AES-256-CBC, HMAC-SHA-512 on each page) instead of the library's default
 * ChaCha20-Poly1305: equally sound, and a second, independent program can open the store for its
 * owner when this one cannot. The key is raw, so there is no derivation that would block the loop.
 */
function unlock(db: Database, key: SecretBytes): void {
  db.pragma(`cipher = 'sqlcipher'`)
  db.pragma('legacy = 4')
  const literal = rawKeyLiteral(key)
  db.key(literal.bytes)
  literal.wipe()
}

/** `x'<64 hex digits>'`, SQLCipher's form of a raw key, without the key ever being a string. */
function rawKeyLiteral(key: SecretBytes): SecretBytes {
  const literal = SecretBytes.copyOf(new Uint8Array(2 * key.length + 3))
  const digits = encodeHex(key.bytes)
  literal.bytes.write(`x'`)
  literal.bytes.set(digits, 2)
  literal.bytes.write(`'`, literal.length - 1)
  digits.fill(0)
  return literal
}

function configure(db: Database): void {
  db.pragma('journal_mode = WAL')
  // Explicit: the library is built with WAL_SYNCHRONOUS=1, which loses acknowledged commits in a power
  // cut although `PRAGMA synchronous` then answers 2.
  db.pragma('synchronous = FULL')
  db.pragma('secure_delete = ON')
  db.pragma('temp_store = MEMORY')
  db.pragma('cell_size_check = ON')
  db.pragma('foreign_keys = ON')
  db.pragma('trusted_schema = OFF')
  db.pragma(`wal_autocheckpoint = ${logPages}`)
}

function refuseNewer(db: Database): void {
  const version = schemaOf(db)
  if (version <= migrations.length) return
  throw new OperatorError(
    `the store ${db.name} was written by a newer rekeyd: schema ${version}, this one knows ${migrations.length}`,
    { hint: 'install the newer rekeyd again, or restore the backup made before the upgrade' },
  )
}

function schemaOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

function migrate(db: Database): void {
  const version = schemaOf(db)
  migrations.slice(version).forEach((statements, index) => {
    db.transaction(() => {
      db.exec(statements)
      db.pragma(`user_version = ${version + index + 1}`)
    }).immediate()
  })
}

function damaged(path: string, cause?: unknown): OperatorError {
  const message = `the store ${path} is damaged, or does not belong to the store.keys beside it`
  return unusable(message, 'bring both back from one backup: rekeyd restore', cause)
}

function unusable(message: string, hint: string, cause?: unknown): OperatorError {
  const because = cause === undefined ? {} : { cause }
  return new OperatorError(message, { kind: 'needs-attention', hint, ...because })
}
