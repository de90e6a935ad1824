import { createHmac, type KeyObject } from 'node:crypto'
import type { AuditLog } from './audit.ts'
import { canonical } from './canonical.ts'
import type { Database } from './database.ts'
import { self } from './entrance.ts'

interface Row {
  readonly material: string
  readonly number: number
  readonly fingerprint: string
}

/**
 * What is kept outside the store of the versions that are compromised: an HMAC-SHA-256 of each under a key
 * of the store, in hex. It tells nobody anything, and an older copy of the store its own versions.
 */
export function compromisedTags(db: Database, key: KeyObject): readonly string[] {
  return rows(db, 1).map((row) => tagOf(row, key))
}

/** Marks the versions that leaked since this copy of the store was made. Inside a transaction. */
export function markCompromised(
  db: Database,
  audit: AuditLog,
  key: KeyObject,
  tags: readonly string[],
  now: number,
): void {
  const mark = db.prepare('UPDATE versions SET compromised = 1 WHERE material = ? AND number = ?')
  for (const row of rows(db, 0)) {
    if (!tags.includes(tagOf(row, key))) continue
    const { material, number, fingerprint } = row
    mark.run(material, number)
    const event = { action: 'version.compromise', material, version: number, fingerprint }
    audit.append({ ...self, why: 'known from outside this copy' }, event, now)
  }
}

function rows(db: Database, compromised: 0 | 1): readonly Row[] {
  return db
    .prepare('SELECT material, number, fingerprint FROM versions WHERE compromised = ?')
    .all(compromised) as Row[]
}

function tagOf({ material, number, fingerprint }: Row, key: KeyObject): string {
  const place = canonical(['compromised', material, number, fingerprint])
  return createHmac('sha256', key).update(place).digest('hex')
}
