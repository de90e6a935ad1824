import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync } from 'node:fs'

/** Rows of about 500 bytes: some 50 MB with their index. */
const rows = 90_000
const applicationId = 0x726b6479

/**
 * Makes the demo's SQLCipher 4 database of some 50 MB: text, a full-text index, a trigger, a write-ahead
 * log. Does nothing where there is one.
 */
export async function createDemoDatabase(path: string, passphrase: Uint8Array): Promise<void> {
  if (existsSync(path)) return
  const db = await openDemoDatabase(path, passphrase)
  db.exec(`
    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = 7;
    CREATE TABLE room (name TEXT PRIMARY KEY, messages INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TRIGGER counted AFTER INSERT ON message BEGIN
      INSERT INTO room VALUES (new.room, 1) ON CONFLICT DO UPDATE SET messages = messages + 1;
    END;
    CREATE VIRTUAL TABLE search USING fts5(body);
  `)
  const insert = db.prepare('INSERT INTO message (room, body) VALUES (?, ?)')
  const index = db.prepare('INSERT INTO search (rowid, body) VALUES (?, ?)')
  db.transaction(() => {
    for (let row = 1; row <= rows; row += 1) {
      insert.run(`room-${row % 20}`, randomBytes(240).toString('hex'))
      if (row % 100 === 0) index.run(row, `message number ${row}`)
    }
  })()
  db.close()
  chmodSync(path, 0o600)
}

/** Opens it as the demo server does. */
export async function openDemoDatabase(path: string, passphrase: Uint8Array) {
  const { default: Sqlite } = await import('better-sqlite3-multiple-ciphers')
  const db = new Sqlite(path)
  db.pragma(`cipher = 'sqlcipher'`)
  db.pragma('legacy = 4')
  db.key(Buffer.from(passphrase))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = NORMAL')
  return db
}
