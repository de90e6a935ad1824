import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { ChainKeys } from './audit.ts'
import type { Database } from './database.ts'
import { derive, keyObject } from './derived-keys.ts'
import type { StoreKeys } from './key-file.ts'
import { type SealedPlace, seal, unseal } from './seal.ts'

/** @throws OperatorError (needs-attention) when a former key was changed from outside */
export function chainKeys(db: Database, keys: StoreKeys): ChainKeys {
  const sealKey = derive(keys, 'seal')
  const rows = db.prepare('SELECT until, sealed FROM former_chain_keys ORDER BY until').all()
  const former = (rows as { readonly until: number; readonly sealed: Buffer }[]).map((row) => {
    const key = unseal(sealKey, row.sealed, placeOf(row.until))
    if (key) return { until: row.until, key: keyObject(key) }
    throw new OperatorError(`the seal of an audit key in ${db.name} is broken`, {
      kind: 'needs-attention',
      hint: 'restore a backup and find out who could write to state_dir',
    })
  })
  return { present: derive(keys, 'audit chain'), former }
}

/**
 * Keeps the chain key of `keys` for the rows up to `until`, sealed under `next`: heads that were exported
 * before stay valid. Former keys are in the database already.
 */
export function retireChainKey(
  db: Database,
  keys: StoreKeys,
  next: StoreKeys,
  until: number,
): void {
  const key = SecretBytes.take(derive(keys, 'audit chain').export())
  const sealed = seal(derive(next, 'seal'), key, placeOf(until))
  key.wipe()
  db.prepare('INSERT INTO former_chain_keys VALUES (?, ?)').run(until, sealed)
}

function placeOf(until: number): SealedPlace {
  return ['audit key', until]
}
