import type { KeyObject, X509Certificate } from 'node:crypto'
import { parseCertificate } from './certificate.ts'
import { readPrivateKey } from './key-encoding.ts'
import { decodePem, type PemBlock } from './pem.ts'
import { readPkcs12 } from './pkcs12-reader.ts'

/** The certificates and private keys in a file, in order. */
export interface Credentials {
  readonly certificates: readonly X509Certificate[]
  readonly privateKeys: readonly KeyObject[]
}

/** Why a file is of no use, as the end of a sentence that begins with its place; quotes nothing of it. */
export interface Unusable {
  readonly problem: string
}

const labels = {
  certificate: new Set(['CERTIFICATE', 'X509 CERTIFICATE']),
  privateKey: new Set(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY']),
  encrypted: 'ENCRYPTED PRIVATE KEY',
} as const
/** Far above any chain; ordering takes the square of it. */
const mostCertificates = 32

/**
 * Reads PEM (text around it, CRLF, other objects in between, key and certificates in one file are all fine)
 * or one DER object, whatever the file's name promises.
 */
export function readCredentials(bytes: Buffer): Credentials | Unusable {
  if (bytes.length === 0) return { problem: 'is empty' }
  const blocks = decodePem(bytes)
  if (!blocks) return { problem: 'holds PEM that is cut off, damaged or locked by a passphrase' }
  const credentials = blocks.length > 0 ? fromBlocks(blocks) : fromDer(bytes)
  for (const { der } of blocks) der.fill(0)
  return credentials
}

/** Reads PKCS #12. */
export async function readContainer(
  bytes: Buffer,
  password: string,
): Promise<Credentials | Unusable> {
  const entries = await readPkcs12(bytes, password)
  if (!entries) return { problem: 'is no PKCS #12 container that opens with the password' }
  const { certificates, privateKeys } = entries
  const credentials = fromBlocks([
    ...certificates.map((der) => ({ label: 'CERTIFICATE', der })),
    ...privateKeys.map((der) => ({ label: 'PRIVATE KEY', der })),
  ])
  for (const der of privateKeys) der.fill(0)
  return credentials
}

function fromBlocks(blocks: readonly PemBlock[]): Credentials | Unusable {
  if (blocks.some(({ label }) => label === labels.encrypted)) {
    return { problem: 'is locked by a passphrase, which rekeyd cannot ask for' }
  }
  const certificates = all(blocks, labels.certificate, parseCertificate)
  const privateKeys = all(blocks, labels.privateKey, (der) => readPrivateKey(der, 'pkcs8-der'))
  if (!certificates) return { problem: 'holds a damaged certificate' }
  if (!privateKeys) return { problem: 'holds a damaged private key' }
  if (certificates.length > mostCertificates) {
    return { problem: `holds more than ${mostCertificates} certificates` }
  }
  return { certificates, privateKeys }
}

/** Each block with one of these labels, parsed; undefined if one of them does not parse. */
function all<T>(
  blocks: readonly PemBlock[],
  wanted: ReadonlySet<string>,
  parse: (der: Buffer) => T | undefined,
): T[] | undefined {
  const parsed = blocks.filter(({ label }) => wanted.has(label)).map(({ der }) => parse(der))
  return parsed.every((one) => one !== undefined) ? parsed : undefined
}

function fromDer(bytes: Buffer): Credentials | Unusable {
  const certificate = parseCertificate(bytes)
  if (certificate) return { certificates: [certificate], privateKeys: [] }
  const privateKey = readPrivateKey(bytes, 'pkcs8-der')
  if (privateKey) return { certificates: [], privateKeys: [privateKey] }
  return { problem: 'is neither PEM nor a certificate or unlocked private key in DER' }
}
