import type { KeyObject } from 'node:crypto'
import { OperatorError } from '../support/operator-error.ts'
import type { Database } from './database.ts'
import type { HeldRecord } from './journal.ts'
import { seal, unseal } from './seal.ts'

/** What targets held before an open rotation, sealed under rotation, material and target index. */
export class HeldTable {
  readonly #db: Database
  readonly #sealKey: KeyObject

  constructor(db: Database, sealKey: KeyObject) {
    this.#db = db
    this.#sealKey = sealKey
  }

  /** @param seq the rotation's row @param id its name, which the seal is bound to */
  replace(seq: number, id: string, records: readonly HeldRecord[]): void {
    const insert = this.#db.prepare('INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?)')
    for (const { material, target, place, held } of records) {
      const sealed = seal(this.#sealKey, held, ['held', id, material, target])
      insert.run(seq, material, target, place, sealed)
    }
  }

  list(seq: number, id: string): readonly HeldRecord[] {
    const rows = this.#db
      .prepare('SELECT material, target, place, sealed FROM held WHERE rotation = ?')
      .all(seq) as (Omit<HeldRecord, 'held'> & { readonly sealed: Buffer })[]
    return rows.map(({ sealed, ...row }) => {
      const held = unseal(this.#sealKey, sealed, ['held', id, row.material, row.target])
      if (held) return { ...row, held }
      throw new OperatorError(
        `the seal of what ${row.place} held before rotation ${id} is broken: the store was changed from outside`,
        {
          kind: 'needs-attention',
          hint: 'restore a backup and find out who could write to state_dir',
        },
      )
    })
  }

  drop(seq: number): void {
    this.#db.prepare('DELETE FROM held WHERE rotation = ?').run(seq)
  }
}
