import {
  createCipheriv,
  createDecipheriv,
  type KeyObject,
  randomBytes,
  randomFillSync,
} from 'node:crypto'
import { SecretBytes } from '../model/secret-bytes.ts'
import { canonical } from './canonical.ts'

/** What a sealed value is and where it belongs: kind of record, material, version, … */
export type SealedPlace = readonly [kind: string, ...where: (string | number)[]]

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/**
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: nonce ‖ ciphertext ‖ tag. The place is
 * associated data, so that a ciphertext moved to another row does not open. Random nonces are safe far
 * beyond the number of values that one store ever seals (2³² at a collision chance of 2⁻³²).
 */
export function seal(key: KeyObject, plain: SecretBytes, place: SealedPlace): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(canonical(place))
  const sealed = cipher.update(plain.bytes)
  return Buffer.concat([nonce, sealed, cipher.final(), cipher.getAuthTag()])
}

/** The value, or undefined when it was not sealed under this key for this place. */
export function unseal(
  key: KeyObject,
  sealed: Uint8Array,
  place: SealedPlace,
): SecretBytes | undefined {
  const tagAt = sealed.length - tagBytes
  if (tagAt < nonceBytes) return undefined
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAAD(canonical(place))
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plain = SecretBytes.take(decipher.update(sealed.subarray(nonceBytes, tagAt)))
  try {
    decipher.final()
    return plain
  } catch {
    plain.wipe()
    return undefined
  }
}

/** A new random key, made where no copy stays behind. */
export function randomSecret(length: number): SecretBytes {
  const secret = SecretBytes.copyOf(new Uint8Array(length))
  randomFillSync(secret.bytes)
  return secret
}
