import { createHash } from 'node:crypto'
import type { Database } from '@signalapp/sqlcipher'

/** Rows of one transaction. */
export const batchSize = 5

/** What a row must hold, known from where it stands: about a kilobyte. */
export function bodyOf(batch: number, place: number): string {
  return createHash('sha512').update(`${batch} ${place}`).digest('hex').repeat(8)
}

/**
 * Compares every row with what must be there: every batch that was acknowledged, each whole and with its own text. A
 * batch that was committed just before a kill may be there without having been acknowledged.
 * @param acked numbers of batches, one a line
 * @returns what is wrong
 */
export function damageOf(db: Database, acked: string): string | undefined {
  const wanted = new Set(acked.split('\n').slice(0, -1).map(Number))
  const places = new Map<number, number>()
  type Row = { readonly batch: number; readonly place: number; readonly body: string }
  const rows = db.prepare('SELECT batch, place, body FROM message ORDER BY batch, place').all<Row>()
  for (const { batch, place, body } of rows) {
    if (body !== bodyOf(batch, place)) return `row ${batch}/${place} has another text`
    places.set(batch, (places.get(batch) ?? 0) + 1)
  }
  for (const [batch, count] of places) {
    if (count !== batchSize) return `batch ${batch} has ${count} rows of ${batchSize}`
  }
  const lost = [...wanted].filter((batch) => !places.has(batch))
  if (lost.length > 0) return `acknowledged batches are lost: ${lost.join(', ')}`
  const integrity = db.pragma('integrity_check', { simple: true })
  if (integrity !== 'ok') return `integrity_check: ${String(integrity)}`
  const sealed = db.prepare('PRAGMA cipher_integrity_check').all()
  if (sealed.length > 0) return `cipher_integrity_check: ${JSON.stringify(sealed)}`
  return undefined
}
