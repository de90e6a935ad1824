import {
  createPublicKey,
  type KeyObject,
  randomBytes,
  webcrypto,
  type X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import type * as x509Library from '@peculiar/x509'
import type { Extension, Name } from '@peculiar/x509'

/** What a certificate or a request is to say. */
export interface Subject {
  /** Attributes in order, `[['O', 'x'], ['CN', 'y']]`; may be empty where there are names. */
  readonly attributes: readonly (readonly ['CN' | 'O', string])[]
  /** DNS names and IP addresses, normalized. */
  readonly names: readonly string[]
  /** The subject's own private key. */
  readonly key: KeyObject
}

/** A certificate to be signed. Times are epoch milliseconds, cut to seconds. */
export interface CertificateTemplate extends Subject {
  readonly notBefore: number
  readonly notAfter: number
  /** Whose certificate signs; the subject's own key without. */
  readonly issuer?: { readonly certificate: X509Certificate; readonly key: KeyObject }
  /** Whether to add subject and authority key identifiers. */
  readonly keyIdentifiers: boolean
}

type Library = typeof x509Library

const hashOfCurve: Readonly<Record<string, { curve: string; hash: string }>> = {
  prime256v1: { curve: 'P-256', hash: 'SHA-256' },
  secp384r1: { curve: 'P-384', hash: 'SHA-384' },
  secp521r1: { curve: 'P-521', hash: 'SHA-512' },
}

/**
 * Signs an X.509 v3 certificate for a TLS server that is also a client (RFC 5280 §4): CA:FALSE, a random
 * serial number of 127 bits.
 * @returns DER
 * @throws Error when the signing key has an algorithm that certificates are not signed with
 */
export async function signCertificate(template: CertificateTemplate): Promise<Buffer> {
  const x509 = await loadLibrary()
  const { key, issuer } = template
  const subject = nameOf(x509, template)
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: positiveSerial(),
      subject,
      issuer: issuer ? subjectOf(x509, issuer.certificate) : subject,
      notBefore: wholeSeconds(template.notBefore),
      notAfter: wholeSeconds(template.notAfter),
      publicKey: spkiOf(key),
      extensions: await extensionsOf(x509, template),
      ...signing(issuer?.key ?? key),
    },
    webcrypto,
  )
  return Buffer.from(certificate.rawData)
}

/**
 * A certificate request (RFC 2986) with the names as requested extension.
 * @returns DER
 */
export async function signRequest(subject: Subject): Promise<Buffer> {
  const x509 = await loadLibrary()
  const { signingKey, signingAlgorithm } = signing(subject.key)
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: nameOf(x509, subject),
      extensions: namesExtension(x509, subject),
      keys: { privateKey: signingKey, publicKey: publicCryptoKey(subject.key) },
      signingAlgorithm,
    },
    webcrypto,
  )
  return Buffer.from(request.rawData)
}

async function loadLibrary(): Promise<Library> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** 16 bytes that are positive and in their shortest form: the first bit is 0, the second 1. */
function positiveSerial(): string {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial.toString('hex')
}

function wholeSeconds(moment: number): Date {
  return new Date(Math.floor(moment / 1000) * 1000)
}

function nameOf(x509: Library, { attributes }: Subject): Name {
  return new x509.Name(attributes.map(([type, value]) => ({ [type]: [value] })))
}

/** The issuer's name byte for byte, since clients compare it. */
function subjectOf(x509: Library, certificate: X509Certificate): Name {
  return new x509.X509Certificate(certificate.raw).subjectName
}

async function extensionsOf(x509: Library, template: CertificateTemplate): Promise<Extension[]> {
  const { digitalSignature, keyEncipherment } = x509.KeyUsageFlags
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage
  // Only RSA keys encipher (RFC 8446 §4.2.3, RFC 8410 §5).
  const usages =
    template.key.asymmetricKeyType === 'rsa' ? digitalSignature | keyEncipherment : digitalSignature
  return [
    new x509.KeyUsagesExtension(usages, true),
    new x509.ExtendedKeyUsageExtension([serverAuth, clientAuth]),
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(template.keyIdentifiers ? await keyIdentifiers(x509, template) : []),
    ...namesExtension(x509, template),
  ]
}

async function keyIdentifiers(
  x509: Library,
  { key, issuer }: CertificateTemplate,
): Promise<Extension[]> {
  const own = await x509.SubjectKeyIdentifierExtension.create(spkiOf(key), false, webcrypto)
  if (!issuer) return [own]
  const signer = new x509.X509Certificate(issuer.certificate.raw)
  const declared = signer.getExtension(x509.SubjectKeyIdentifierExtension)
  const theirs =
    declared ??
    (await x509.SubjectKeyIdentifierExtension.create(spkiOf(issuer.key), false, webcrypto))
  return [own, new x509.AuthorityKeyIdentifierExtension(theirs.keyId)]
}

/** Critical exactly where the subject is empty (RFC 5280 §4.2.1.6). */
function namesExtension(x509: Library, { names, attributes }: Subject): Extension[] {
  if (names.length === 0) return []
  const entries = names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const)
  return [new x509.SubjectAlternativeNameExtension(entries, attributes.length === 0)]
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' })
}

function signing(key: KeyObject) {
  const signingAlgorithm = algorithmFor(key)
  return { signingKey: key.toCryptoKey(signingAlgorithm, false, ['sign']), signingAlgorithm }
}

function publicCryptoKey(key: KeyObject) {
  return createPublicKey(key).toCryptoKey(algorithmFor(key), true, ['verify'])
}

function algorithmFor({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  if (type === 'ed25519') return { name: 'Ed25519' }
  if (type === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const ec = type === 'ec' ? hashOfCurve[details?.namedCurve ?? ''] : undefined
  if (!ec) throw new Error(`certificates are not signed with ${type} keys of this kind`)
  return { name: 'ECDSA', namedCurve: ec.curve, hash: ec.hash }
}
