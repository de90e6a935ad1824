import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { Database as GenuineDatabase } from '@signalapp/sqlcipher'
import type { DatabaseKey, KeyForm } from '../../src/sqlcipher/database-key.ts'
import type { CipherVersion } from '../../src/sqlcipher/page-format.ts'

/** Real databases of consumers, made and judged by genuine SQLCipher: never by what is under test. */
export interface BuildOptions {
  readonly cipher?: CipherVersion
  /** How it is opened; plain SQLite without. */
  readonly key?: DatabaseKey
  readonly journalMode?: 'wal' | 'delete'
  readonly autoVacuum?: boolean
  /** Rows of a kilobyte. */
  readonly rows?: number
}

export function newKey(form: KeyForm = 'passphrase', text?: string): DatabaseKey {
  if (form === 'passphrase') {
    return { form, bytes: Buffer.from(text ?? randomBytes(24).toString('base64url')) }
  }
  return { form, bytes: randomBytes(form === 'raw' ? 32 : 48) }
}

/** As consumers hand it to `PRAGMA key`. */
function pragmaKey({ form, bytes }: DatabaseKey): string {
  const text = form === 'passphrase' ? bytes.toString() : `x'${bytes.toString('hex')}'`
  return `"${text.replaceAll('"', '""')}"`
}

const schema = `
  CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, data BLOB);
  CREATE INDEX messages_body ON messages (body);
  CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  CREATE TABLE gaps (value);
  CREATE TABLE counts (n INTEGER);
  CREATE TABLE server_state (key TEXT PRIMARY KEY, value BLOB);
  CREATE VIRTUAL TABLE search USING fts5 (body, content='messages', content_rowid='id');
  CREATE TRIGGER messages_added AFTER INSERT ON messages BEGIN
    INSERT INTO search (rowid, body) VALUES (new.id, new.body);
    UPDATE counts SET n = n + 1;
  END;
  CREATE VIEW newest AS SELECT * FROM messages ORDER BY id DESC LIMIT 5;
  INSERT INTO counts VALUES (0);
  INSERT INTO settings VALUES ('name', 'chat'), ('limit', 7);
  INSERT INTO gaps (rowid, value) VALUES (3, 'a'), (11, 'b'), (500, NULL);
  INSERT INTO server_state VALUES ('opaque_setup', randomblob(128)), ('signing_key_seed', randomblob(32));
  PRAGMA user_version = 7;
  PRAGMA application_id = 4242;
`

/**
 * Builds a database with everything that a naive copy loses. In WAL mode its last rows are in the log only,
 * as after a consumer that was killed.
 */
export function buildDatabase(path: string, options: BuildOptions = {}): void {
  const { journalMode = 'wal', rows = 200 } = options
  const building = `${path}.building`
  const db = openGenuine(building, options)
  if (options.autoVacuum) db.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM')
  db.exec(`PRAGMA journal_mode = ${journalMode}`)
  db.exec(`BEGIN; ${schema}; COMMIT`)
  insertMessages(db, rows - 10)
  if (journalMode === 'wal') db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  insertMessages(db, 10)
  // Copied while it is open: closing it would empty the log.
  for (const suffix of ['', '-wal']) {
    if (existsSync(building + suffix)) copyFileSync(building + suffix, path + suffix)
  }
  db.close()
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(building + suffix, { force: true })
}

function insertMessages(db: GenuineDatabase, count: number): void {
  db.exec('BEGIN')
  const insert = db.prepare('INSERT INTO messages (body, data) VALUES (?, randomblob(1024))')
  for (let index = 0; index < count; index += 1) insert.run([`hello number ${index}`])
  insert.close()
  db.exec('COMMIT')
}

/** Opens with genuine SQLCipher; a wrong key throws here. */
export function openGenuine(path: string, { key, cipher = 4 }: BuildOptions): GenuineDatabase {
  const db = new GenuineDatabase(path)
  try {
    // Else it reports every wrong key on stderr.
    db.exec('PRAGMA cipher_log_level = NONE')
    if (key) db.exec(`PRAGMA key = ${pragmaKey(key)}`)
    if (key && cipher === 3) db.exec('PRAGMA cipher_compatibility = 3')
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Whether genuine SQLCipher opens it. */
export function genuineOpens(path: string, options: BuildOptions): boolean {
  try {
    openGenuine(path, options).close()
    return true
  } catch {
    return false
  }
}

/** Everything a database holds: settings, schema, and a hash of each table's rows with their row ids. */
export function contentOf(path: string, options: BuildOptions): Record<string, unknown> {
  const db = openGenuine(path, options)
  try {
    const tables = db
      .prepare(`SELECT name, wr, type FROM pragma_table_list WHERE schema = 'main' ORDER BY name`)
      .all<{ name: string; wr: number; type: string }>()
      .filter(({ name, type }) => ['table', 'shadow'].includes(type) && name !== 'sqlite_schema')
    const rows = tables.map(({ name, wr }) => [
      name,
      hash(db.prepare(`SELECT ${wr ? '' : 'rowid AS r, '}* FROM "${name}"`).all()),
    ])
    return {
      ...Object.fromEntries(
        ['user_version', 'application_id', 'journal_mode', 'auto_vacuum', 'encoding'].map(
          (name) => [name, db.pragma(name, { simple: true })],
        ),
      ),
      schema: hash(
        db.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all(),
      ),
      found: db.prepare(`SELECT count(*) AS n FROM search WHERE search MATCH 'hello'`).get(),
      integrity: db.pragma('integrity_check', { simple: true }),
      sealed: options.key ? db.pragma('cipher_integrity_check') : [],
      rows: Object.fromEntries(rows),
    }
  } finally {
    db.close()
  }
}

/** Runs SQL in Debian's `sqlcipher` (3.4.1: format 3). Errors of single statements end up in the output. */
export function debianSqlcipher(path: string, sql: string): string {
  return execFileSync('sqlcipher', ['-batch', path], {
    input: sql,
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

function hash(rows: readonly unknown[]): string {
  const text = JSON.stringify(rows, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  )
  return createHash('sha256').update(text).digest('hex')
}

/** A consumer in a process of its own that ran `sql` and stays as it is then. */
export interface Writer {
  /** SIGKILL, in the middle of whatever it does. */
  kill(): void
  /** Waits for the end; a writer that lives is ended first. */
  end(): Promise<void>
}

/** Starts genuine SQLCipher elsewhere: in one process, closing a file drops the locks of all others. */
export async function startWriter(
  path: string,
  { key }: BuildOptions,
  sql: string,
): Promise<Writer> {
  const program = `
    import { Database } from '@signalapp/sqlcipher'
    const [path, key, ...statements] = JSON.parse(process.env.TASK)
    const db = new Database(path)
    if (key) db.exec('PRAGMA key = ' + key)
    for (const sql of statements) {
      if (sql.startsWith('SELECT')) db.prepare(sql).all()
      else db.exec(sql)
    }
    console.log('ready')
    setInterval(() => {}, 60000)
  `
  const task = [path, key && pragmaKey(key), ...sql.split('; ')]
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TASK: JSON.stringify(task) },
    cwd: import.meta.dirname,
  })
  const ended = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the writer ended by itself'))),
  ])
  return {
    kill: () => void child.kill('SIGKILL'),
    async end() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
