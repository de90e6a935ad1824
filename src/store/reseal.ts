import type { KeyObject } from 'node:crypto'
import { OperatorError } from '../support/operator-error.ts'
import type { Database } from './database.ts'
import { type SealedPlace, seal, unseal } from './seal.ts'

/** Something sealed, and the columns that name its place. */
interface SealedColumn {
  readonly table: string
  readonly column: string
  /** The kind of record, then what these expressions give. */
  readonly kind: string
  readonly where: readonly string[]
}

/** Every sealed column of the schema, with the place that each value is sealed for. */
export const sealedColumns: readonly SealedColumn[] = [
  { table: 'store', column: 'fingerprint_key', kind: 'fingerprint key', where: ['id'] },
  { table: 'secrets', column: 'sealed', kind: 'version', where: ['material', 'number'] },
  { table: 'requests', column: 'sealed', kind: 'request', where: ['material'] },
  {
    table: 'held',
    column: 'sealed',
    kind: 'held',
    where: ['(SELECT id FROM rotations WHERE seq = rotation)', 'material', 'target'],
  },
  { table: 'former_chain_keys', column: 'sealed', kind: 'audit key', where: ['until'] },
]

/**
 * Seals everything under `next` that is sealed under `present`. Inside a transaction.
 * @throws OperatorError (needs-attention) when a seal is broken
 */
export function reseal(db: Database, present: KeyObject, next: KeyObject): void {
  for (const { table, column, kind, where } of sealedColumns) {
    const rows = db
      .prepare(`SELECT rowid, ${column}, ${where.join(', ')} FROM ${table}`)
      .raw()
      .all()
    const update = db.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`)
    for (const [rowid, sealed, ...place] of rows as [number, Buffer, ...(string | number)[]][]) {
      const where: SealedPlace = [kind, ...place]
      const plain = unseal(present, sealed, where)
      if (!plain) throw brokenSeal(where)
      update.run(seal(next, plain, where), rowid)
      plain.wipe()
    }
  }
}

function brokenSeal(place: SealedPlace): OperatorError {
  return new OperatorError(
    `the seal of ${place.join(' ')} is broken: the store was changed from outside`,
    {
      kind: 'needs-attention',
      hint: 'restore a backup and find out who could write to state_dir',
    },
  )
}
