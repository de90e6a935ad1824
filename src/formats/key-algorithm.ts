import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

/** Algorithms of keys that rekeyd makes for certificates, by the names the config uses. */
export const keyAlgorithms = [
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'rsa-2048',
  'rsa-3072',
  'rsa-4096',
] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

const curveNames: Readonly<Record<string, string>> = {
  prime256v1: 'p256',
  secp384r1: 'p384',
  secp521r1: 'p521',
}
const generatePair = promisify(generateKeyPair)

/** Makes a private key. RSA takes up to seconds, on another thread. */
export async function generatePrivateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  if (algorithm === 'ed25519') return (await generatePair('ed25519')).privateKey
  if (algorithm === 'ecdsa-p256') return generateOnCurve('P-256')
  if (algorithm === 'ecdsa-p384') return generateOnCurve('P-384')
  const modulusLength = Number(algorithm.slice('rsa-'.length))
  return (await generatePair('rsa', { modulusLength })).privateKey
}

async function generateOnCurve(namedCurve: string): Promise<KeyObject> {
  return (await generatePair('ec', { namedCurve })).privateKey
}

/** The name of a key's algorithm, as in {@link keyAlgorithms}; others too: `ecdsa-p521`, `rsa-1024`, `dsa`. */
export function algorithmOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string {
  if (type === 'ec') return `ecdsa-${curveNames[details?.namedCurve ?? ''] ?? details?.namedCurve}`
  if (type === 'rsa' || type === 'rsa-pss') return `${type}-${details?.modulusLength}`
  return type ?? 'unknown'
}

/**
 * Whether a server may still use such a key: a curve that everybody knows, or RSA of at least 2048 bits
 * (NIST SP 800-131A).
 */
export function isStrong(key: KeyObject): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa' || type === 'rsa-pss') return (details?.modulusLength ?? 0) >= 2048
  return type === 'ed25519' || (type === 'ec' && (details?.namedCurve ?? '') in curveNames)
}
