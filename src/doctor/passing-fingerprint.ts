import { createHmac, randomBytes } from 'node:crypto'
import type { SecretBytes } from '../model/secret-bytes.ts'

/** Of this process alone: what is compared under it is never kept. */
const key = randomBytes(32)

/** Tells secrets apart where there is no store yet that has a key for that. */
export function fingerprintOf(parts: Readonly<Record<string, SecretBytes>>): string {
  const hmac = createHmac('sha256', key)
  for (const name of Object.keys(parts).toSorted()) {
    const { bytes } = parts[name] ?? { bytes: Buffer.alloc(0) }
    hmac.update(`${name}\0${bytes.length}\0`).update(bytes)
  }
  return `hmac:${hmac.digest('hex')}`
}
