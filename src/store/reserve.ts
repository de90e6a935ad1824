import { statSync } from 'node:fs'
import { type Database, logPages, pageBytes } from './database.ts'

/** Room in the log for twice what it holds before it begins anew. */
const logBytes = 2 * logPages * pageBytes
/** Free pages inside the database, for the rows of one rotation. */
const freePages = 64

/**
 * Makes sure that the rest of a rotation fits into a full disk (invariant I10): the database keeps free
 * pages inside, and the log file is long enough to be written over from its beginning instead of growing.
 * Holds on file systems that overwrite in place (ext4, XFS, tmpfs); a copy-on-write one may still need
 * space. Outside a transaction.
 * @throws SqliteError (SQLITE_FULL) when there is no room: nothing was begun then
 */
export function reserveRoom(db: Database): void {
  // Held bytes are zeroed when a rotation finishes, and those zeros pass through the log as well.
  const held = Number(db.prepare('SELECT coalesce(sum(length(sealed)), 0) FROM held').pluck().get())
  const wanted = logBytes + 2 * held
  const log = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const free = Number(db.pragma('freelist_count', { simple: true }))
  if (log >= wanted && free >= freePages) return
  db.prepare('INSERT INTO reserve (room) VALUES (zeroblob(?))').run(wanted)
  db.exec('DELETE FROM reserve')
}
