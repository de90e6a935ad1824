import type { KeyObject } from 'node:crypto'
import { OperatorError } from '../support/operator-error.ts'
import type { Database } from './database.ts'
import { derive, keyObject } from './derived-keys.ts'
import type { StoreKeys } from './key-file.ts'
import { unseal } from './seal.ts'

/**
 * The key of the fingerprints of secrets. It is not derived from the data key, so that fingerprints outlive it.
 * @throws OperatorError (needs-attention) when the database has other keys
 */
export function fingerprintKey(db: Database, keys: StoreKeys): KeyObject {
  const sealed = db.prepare('SELECT fingerprint_key FROM store').pluck().get() as Buffer
  const key = unseal(derive(keys, 'seal'), sealed, ['fingerprint key', keys.store])
  if (key) return keyObject(key)
  throw new OperatorError(`the store ${db.name} does not belong to the store.keys beside it`, {
    kind: 'needs-attention',
    hint: 'bring both back from one backup: rekeyd restore',
  })
}
