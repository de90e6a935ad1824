import { X509Certificate } from 'node:crypto'
import { type Element, readElements } from './der.ts'
import { isStrong } from './key-algorithm.ts'
import { encodePem } from './pem.ts'

/** Hex of the encoded object identifiers of signatures with MD2, MD5 or SHA-1 (RFC 3279 §2.2, RFC 8017 §C). */
const weakSignatures = new Set([
  '2a864886f70d010102', // md2WithRSAEncryption
  '2a864886f70d010104', // md5WithRSAEncryption
  '2a864886f70d010105', // sha1WithRSAEncryption
  '2b0e03021d', // sha1WithRSA (OIW)
  '2a8648ce380403', // dsa-with-sha1
  '2a8648ce3d0401', // ecdsa-with-SHA1
])
const rsaPss = '2a864886f70d01010a'
/** What SHA-2 hashes begin with; RSASSA-PSS without parameters means SHA-1. */
const sha2Family = Buffer.from('6086480165030402', 'hex')
/** `[0] EXPLICIT`; absent in v1. */
const versionTag = 0xa0

/** @returns undefined unless `der` is exactly one certificate with a public key that OpenSSL knows */
export function parseCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der)
    return certificate.raw.length === der.length && certificate.publicKey ? certificate : undefined
  } catch {
    return undefined
  }
}

/** PEM of each, one after the other. */
export function encodeCertificates(certificates: readonly X509Certificate[]): Buffer {
  return Buffer.concat(certificates.map(({ raw }) => encodePem('CERTIFICATE', raw)))
}

/**
 * Why today's clients refuse a certificate whatever its dates and names say: its age (X.509 v1), its key or its
 * signature.
 * @returns undefined if there is nothing to say against it
 */
export function weaknessOf(certificate: X509Certificate): string | undefined {
  const facts = factsOf(certificate.raw)
  if (!facts) return 'is not encoded as RFC 5280 wants it'
  if (facts.version !== 3) return `is X.509 v${facts.version}, not v3`
  if (!isStrong(certificate.publicKey)) return 'has a key that is too weak or of an unknown kind'
  if (facts.weakSignature) return 'is signed with a hash older than SHA-2'
  return undefined
}

/** What node:crypto does not tell (RFC 5280 §4.1). */
function factsOf(der: Buffer): { version: number; weakSignature: boolean } | undefined {
  const [certificate] = readElements(der) ?? []
  const [body, algorithm] = childrenOf(certificate)
  const [first] = childrenOf(body)
  const [oid, parameters] = childrenOf(algorithm)
  if (!first || !oid) return undefined
  const name = oid.content.toString('hex')
  const weakPss = name === rsaPss && !parameters?.content.includes(sha2Family)
  return {
    version: first.tag === versionTag ? (first.content.at(-1) ?? 0) + 1 : 1,
    weakSignature: weakSignatures.has(name) || weakPss,
  }
}

function childrenOf(parent: Element | undefined): Element[] {
  return (parent && readElements(parent.content)) ?? []
}
