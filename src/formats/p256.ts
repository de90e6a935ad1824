import { createECDH, createPrivateKey, createPublicKey, ECDH, type KeyObject } from 'node:crypto'
import { joinOffHeap, offHeap } from './off-heap.ts'

/** DER around the 32-byte private scalar and the 65-byte point (RFC 5915 §3, RFC 5480 §2). */
const sec1Head = Buffer.from('30770201010420', 'hex')
const sec1Middle = Buffer.from('a00a06082a8648ce3d030107a144034200', 'hex')
const spkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')
const scalarLength = 32

/** A key of P-256 as the bytes that web push and raw formats use. */
export interface P256Pair {
  /** 32 bytes, big endian. */
  readonly scalar: Buffer
  /** 65 bytes: SEC 1 uncompressed. */
  readonly point: Buffer
}

/**
 * The public point of a private scalar.
 * @returns undefined unless `scalar` has 32 bytes and lies in [1, n − 1]
 */
export function derivePoint(scalar: Buffer): Buffer | undefined {
  if (scalar.length !== scalarLength) return undefined
  const ecdh = createECDH('prime256v1')
  try {
    ecdh.setPrivateKey(scalar)
    return ecdh.getPublicKey()
  } catch {
    return undefined
  }
}

/** Whether `bytes` are an uncompressed point on the curve. */
export function isPoint(bytes: Buffer): boolean {
  if (bytes.length !== 65 || bytes[0] !== 4) return false
  try {
    ECDH.convertKey(bytes, 'prime256v1')
    return true
  } catch {
    return false
  }
}

export function privateKeyOf({ scalar, point }: P256Pair): KeyObject {
  const key = joinOffHeap(sec1Head, scalar, sec1Middle, point)
  try {
    return createPrivateKey({ key, format: 'der', type: 'sec1' })
  } finally {
    key.fill(0)
  }
}

export function publicKeyOf(point: Buffer): KeyObject {
  return createPublicKey({ key: joinOffHeap(spkiHead, point), format: 'der', type: 'spki' })
}

/**
 * The bytes of a key object, the point as the object has it: whoever reads a foreign key compares it with
 * {@link derivePoint}.
 * @returns undefined if it is no private key of P-256
 */
export function pairOf(key: KeyObject): P256Pair | undefined {
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined
  const der = key.export({ format: 'der', type: 'sec1' })
  const scalar = offHeap(scalarLength)
  der.copy(scalar, 0, sec1Head.length, sec1Head.length + scalarLength)
  der.fill(0)
  return { scalar, point: pointOf(createPublicKey(key)) }
}

/** The point of a public key object of P-256. */
export function pointOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(spkiHead.length)
}
