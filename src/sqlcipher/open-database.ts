// oxlint-disable-next-line import/default -- a CommonJS `export =`
import type Sqlite from 'better-sqlite3-multiple-ciphers'
import { OperatorError } from '../support/operator-error.ts'
import { keyLiteral, type PageKey } from './database-key.ts'
import { HotJournal } from './hot-journal.ts'
import type { CipherVersion } from './page-format.ts'

export type Database = Sqlite.Database

/** Before it, `rekey` in WAL mode corrupts without a word (better-sqlite3-multiple-ciphers issue 91). */
const oldestEngine = [2, 4, 0] as const
/** How long a lock is waited for, in milliseconds. */
const patience = 2_000

export interface OpenOptions {
  /** Absent for a database that is not encrypted. */
  readonly unlock?: { readonly cipher: CipherVersion; readonly key: PageKey }
  readonly readonly?: boolean
  /** Locks everybody else out until it is closed; refused while anybody has it open. */
  readonly exclusive?: boolean
  /** The name for errors, where it is opened under another. */
  readonly shownAs?: string
}

/**
 * Opens a database of a consumer, which must exist, and reads from it. Only in a child process of its own:
 * any other descriptor of the file that is closed in this process drops SQLite's locks.
 * @throws OperatorError when the key does not open it, or somebody else has it locked
 * @throws HotJournal when read-only, and a cut-off transaction would have to be rolled back
 */
export async function openDatabase(path: string, options: OpenOptions = {}): Promise<Database> {
  const Sqlite = await loadEngine()
  const { unlock, readonly = false, exclusive = false, shownAs = path } = options
  const db = new Sqlite(path, { fileMustExist: true, readonly, timeout: patience })
  try {
    if (unlock) applyKey(db, unlock)
    // A connection in WAL mode holds a shared lock even when idle: this is refused while there is one.
    if (exclusive) db.pragma('locking_mode = EXCLUSIVE')
    // Nothing of the database may reach a disk elsewhere in clear, nor its schema run functions of ours.
    db.pragma('temp_store = MEMORY')
    db.pragma('trusted_schema = OFF')
    db.pragma('synchronous = EXTRA')
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    if (exclusive) db.exec('BEGIN EXCLUSIVE; COMMIT')
    return db
  } catch (error) {
    db.close()
    throw explained(error, shownAs)
  }
}

/**
 * Encrypts a file of ours anew, salt included. Nothing is read before: a format 3 file made by SQLCipher 4
 * declares more reserved bytes than it uses, and once the engine has seen that it refuses to rekey.
 */
export async function rekeyFile(
  path: string,
  unlock: Required<OpenOptions>['unlock'],
  next: PageKey,
): Promise<void> {
  const Sqlite = await loadEngine()
  const db = new Sqlite(path, { fileMustExist: true })
  const literal = keyLiteral(next)
  try {
    applyKey(db, unlock)
    db.rekey(literal)
  } catch (error) {
    throw explained(error, path)
  } finally {
    literal.fill(0)
    db.close()
  }
}

/** SQLite's errors as the operator reads them; all others as they are. */
export function explained(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error.name !== 'SqliteError' || !('code' in error)) return error
  const code = String(error.code)
  if (code === 'SQLITE_READONLY_ROLLBACK') return new HotJournal(path)
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new OperatorError(`${path} is in use`, {
      kind: 'busy',
      hint: `find out by whom with \`fuser -v ${path}\`; everything that opens it must be stopped`,
    })
  }
  if (code === 'SQLITE_NOTADB') {
    return new OperatorError(`the key does not open ${path}`, { kind: 'needs-attention' })
  }
  return new OperatorError(`${path}: ${error.message} (${code})`)
}

function applyKey(db: Database, { cipher, key }: NonNullable<OpenOptions['unlock']>): void {
  db.pragma(`cipher = 'sqlcipher'`)
  db.pragma(`legacy = ${cipher}`)
  const literal = keyLiteral(key)
  db.key(literal)
  literal.fill(0)
}

async function loadEngine(): Promise<typeof Sqlite> {
  const library = await import('better-sqlite3-multiple-ciphers')
  const engine: typeof Sqlite = library.default
  refuseOldEngine(engine)
  return engine
}

function refuseOldEngine(engine: typeof Sqlite): void {
  const memory = new engine(':memory:')
  const name = String(memory.prepare('SELECT sqlite3mc_version()').pluck().get())
  memory.close()
  const version = (/\d+\.\d+\.\d+/.exec(name)?.[0] ?? '0.0.0').split('.').map(Number)
  const first = oldestEngine.findIndex((part, index) => part !== version[index])
  if (first < 0 || (version[first] ?? 0) > (oldestEngine[first] ?? 0)) return
  throw new OperatorError(`${name} is too old: its rekey destroys databases in WAL mode`, {
    hint: 'install better-sqlite3-multiple-ciphers 13.0.3 or newer',
  })
}
