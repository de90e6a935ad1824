import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { StoreKeys } from './key-file.ts'

/**
 * A key for one purpose from the data key: HKDF-SHA-256 (RFC 5869), salted with the store's id. As a
 * key object it lies in OpenSSL's memory and nothing prints it.
 */
export function derive({ store, dataKey }: StoreKeys, purpose: 'seal' | 'audit chain'): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', dataKey.bytes, store, `rekeyd ${purpose}`, 32))
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** The key object of a secret, which is wiped. */
export function keyObject(secret: SecretBytes): KeyObject {
  const key = createSecretKey(secret.bytes)
  secret.wipe()
  return key
}
