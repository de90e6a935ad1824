import { randomBytes } from 'node:crypto'
import { server as opaque } from '@serenity-kit/opaque'
import { Database, setLogger } from '@signalapp/sqlcipher'

// It reports every wrong key on stderr.
setLogger(() => {})

const schema = `
  CREATE TABLE IF NOT EXISTS server_state (key TEXT PRIMARY KEY, value BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS users (username TEXT PRIMARY KEY, record TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS delivered (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
`

/** Opens it as rusqlite with bundled SQLCipher 4 does: key first, write-ahead log, NORMAL. */
export function openQuicprochat(path: string, key: string): Database {
  const db = new Database(path)
  try {
    db.exec(`PRAGMA key = '${key.replaceAll("'", "''")}'`)
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Makes tables and server state where they are missing, as the server does at each start. */
export async function completeState(db: Database): Promise<void> {
  const { ready } = await import('@serenity-kit/opaque')
  await ready
  db.exec(schema)
  const insert = db.prepare(
    'INSERT INTO server_state (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING',
  )
  insert.run(['opaque_setup', Buffer.from(opaque.createSetup(), 'base64url')])
  insert.run(['signing_key_seed', randomBytes(32)])
  insert.close()
}

export function stateRow(db: Database, key: string): Buffer {
  const row = db
    .prepare('SELECT value FROM server_state WHERE key = ?')
    .get<{ value: Uint8Array<ArrayBuffer> }>([key])
  if (!row) throw new Error(`server_state has no ${key}`)
  return Buffer.from(row.value)
}
