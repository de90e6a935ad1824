import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { decodePem, encodePem } from './pem.ts'

/** Containers of a private key, by the names the config uses (RFC 5958, RFC 8017 §A.1.2, RFC 5915). */
const privateContainers = {
  'pkcs8-pem': { type: 'pkcs8', label: 'PRIVATE KEY' },
  'pkcs8-der': { type: 'pkcs8', label: undefined },
  'pkcs1-pem': { type: 'pkcs1', label: 'RSA PRIVATE KEY' },
  'sec1-pem': { type: 'sec1', label: 'EC PRIVATE KEY' },
} as const
export type PrivateKeyFormat = keyof typeof privateContainers
export type PublicKeyFormat = 'pem' | 'der'

export function isPrivateKeyFormat(format: string): format is PrivateKeyFormat {
  return Object.hasOwn(privateContainers, format)
}

export function isPublicKeyFormat(format: string): format is PublicKeyFormat {
  return format === 'pem' || format === 'der'
}

const typeOfLabel = new Map<string, 'pkcs8' | 'pkcs1' | 'sec1'>(
  Object.values(privateContainers).flatMap(({ type, label }) => (label ? [[label, type]] : [])),
)
const publicLabel = 'PUBLIC KEY'

/**
 * Unencrypted, with a newline at the end of PEM. Goes through no string.
 * @throws Error when the key's algorithm has no such container (`sec1-pem` of Ed25519)
 */
export function writePrivateKey(key: KeyObject, format: PrivateKeyFormat): Buffer {
  const { type, label } = privateContainers[format]
  const der = exportDer(key, type)
  if (!label) return der
  const pem = encodePem(label, der)
  der.fill(0)
  return pem
}

/**
 * Reads an unencrypted key. PEM may hold other objects before it (`EC PARAMETERS`, certificates) and any of
 * the containers, and so may DER: `openssl pkey -outform DER` writes SEC 1 and PKCS #1.
 * @returns undefined if there is none
 */
export function readPrivateKey(bytes: Uint8Array, format: PrivateKeyFormat): KeyObject | undefined {
  if (privateContainers[format].label === undefined) {
    return parse(bytes, 'pkcs8') ?? parse(bytes, 'sec1') ?? parse(bytes, 'pkcs1')
  }
  const blocks = decodePem(bytes) ?? []
  const block = blocks.find(({ label }) => typeOfLabel.has(label))
  const key = block && parse(block.der, typeOfLabel.get(block.label) ?? 'pkcs8')
  for (const { der } of blocks) der.fill(0)
  return key
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1). */
export function writePublicKey(key: KeyObject, format: PublicKeyFormat): Buffer {
  const der = key.export({ type: 'spki', format: 'der' })
  return format === 'pem' ? encodePem(publicLabel, der) : der
}

/** @returns undefined if `bytes` hold no SubjectPublicKeyInfo */
export function readPublicKey(bytes: Uint8Array, format: PublicKeyFormat): KeyObject | undefined {
  const der =
    format === 'der' ? bytes : decodePem(bytes)?.find(({ label }) => label === publicLabel)?.der
  try {
    return der && createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

function exportDer(key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1'): Buffer {
  // One call per type: the overloads of `export` do not take a union.
  if (type === 'pkcs1') return key.export({ type, format: 'der' })
  if (type === 'sec1') return key.export({ type, format: 'der' })
  return key.export({ type, format: 'der' })
}

/** OpenSSL's errors say nothing to an operator: the caller knows which file it was. */
function parse(der: Uint8Array, type: 'pkcs8' | 'pkcs1' | 'sec1'): KeyObject | undefined {
  const key = Buffer.from(der.buffer, der.byteOffset, der.length)
  try {
    return createPrivateKey({ key, format: 'der', type })
  } catch {
    return undefined
  }
}
