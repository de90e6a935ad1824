import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { joinOffHeap, offHeap } from './off-heap.ts'

/** DER around the 32-byte seed and the 32-byte public key (RFC 8410 §4, §7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')
const keyLength = 32

/** @throws RangeError unless `seed` has 32 bytes */
export function privateKeyOfSeed(seed: Buffer): KeyObject {
  if (seed.length !== keyLength) throw new RangeError('an Ed25519 seed has 32 bytes')
  const key = joinOffHeap(pkcs8Head, seed)
  try {
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  } finally {
    key.fill(0)
  }
}

/** @returns undefined if `key` is no private key of Ed25519 */
export function seedOf(key: KeyObject): Buffer | undefined {
  if (key.asymmetricKeyType !== 'ed25519') return undefined
  const der = key.export({ format: 'der', type: 'pkcs8' })
  const seed = offHeap(keyLength)
  der.copy(seed, 0, pkcs8Head.length)
  der.fill(0)
  return seed
}

/** The 32 bytes of the public key that belongs to `seed`. */
export function derivePublicKey(seed: Buffer): Buffer {
  return rawPublicKey(createPublicKey(privateKeyOfSeed(seed)))
}

export function publicKeyOfRaw(raw: Buffer): KeyObject {
  return createPublicKey({ key: joinOffHeap(spkiHead, raw), format: 'der', type: 'spki' })
}

export function rawPublicKey(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(spkiHead.length)
}
