import 'reflect-metadata'
import { createPublicKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { encodeCertificates } from '../../../src/formats/certificate.ts'
import { signCertificate } from '../../../src/formats/certificate-issuance.ts'
import { generatePrivateKey, type KeyAlgorithm } from '../../../src/formats/key-algorithm.ts'
import { writePrivateKey } from '../../../src/formats/key-encoding.ts'
import { encodePem } from '../../../src/formats/pem.ts'

/** A CA made for a test. */
export interface TestAuthority {
  readonly key: KeyObject
  readonly certificate: X509Certificate
  /** PEM of the certificate and of those above it. */
  readonly pem: Buffer
  readonly keyPem: Buffer
}

export interface AuthorityOptions {
  readonly name?: string
  readonly algorithm?: KeyAlgorithm
  readonly notBefore?: number
  readonly notAfter?: number
  readonly above?: TestAuthority
  /** A new one by default. */
  readonly key?: KeyObject
  /** What its basic constraints say. */
  readonly isCa?: boolean
  /** Whether its key usage allows that; as `isCa` by default. */
  readonly maySign?: boolean
}

export const now = Date.UTC(2026, 10, 3, 12)
export const day = 86_400_000

/** A root, or a CA below `above`. */
export async function makeAuthority(options: AuthorityOptions = {}): Promise<TestAuthority> {
  const { name = 'Test CA', algorithm = 'ecdsa-p256', above, isCa = true, maySign = isCa } = options
  const key = options.key ?? (await generatePrivateKey(algorithm))
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const made = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '01',
      subject: [{ C: ['DE'] }, { O: ['Größe & Söhne'] }, { CN: [name] }],
      issuer: above
        ? new x509.X509Certificate(above.certificate.raw).subjectName
        : [{ C: ['DE'] }, { O: ['Größe & Söhne'] }, { CN: [name] }],
      notBefore: new Date(options.notBefore ?? now - 100 * day),
      notAfter: new Date(options.notAfter ?? now + 3650 * day),
      publicKey: spki,
      signingKey: cryptoKey(above?.key ?? key),
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      extensions: [
        new x509.BasicConstraintsExtension(isCa, undefined, true),
        new x509.KeyUsagesExtension(
          maySign ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(spki, false, webcrypto),
        ...(above ? [await authorityKeyIdentifier(above)] : []),
      ],
    },
    webcrypto,
  )
  const certificate = new X509Certificate(Buffer.from(made.rawData))
  const pem = Buffer.concat([encodeCertificates([certificate]), above?.pem ?? Buffer.alloc(0)])
  return { key, certificate, pem, keyPem: writePrivateKey(key, 'pkcs8-pem') }
}

/** PEM of a certificate for `key`, followed by those of `authority`. */
export async function signFor(
  key: KeyObject,
  names: readonly string[],
  authority: TestAuthority,
  times: { readonly notBefore?: number; readonly notAfter?: number } = {},
): Promise<Buffer> {
  const der = await signCertificate({
    attributes: [['CN', names[0] ?? '']],
    names,
    key,
    notBefore: times.notBefore ?? now - day,
    notAfter: times.notAfter ?? now + 90 * day,
    issuer: authority,
    keyIdentifiers: true,
  })
  return Buffer.concat([encodePem('CERTIFICATE', der), authority.pem])
}

async function authorityKeyIdentifier({ key }: TestAuthority) {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const { keyId } = await x509.SubjectKeyIdentifierExtension.create(spki, false, webcrypto)
  return new x509.AuthorityKeyIdentifierExtension(keyId)
}

function cryptoKey(key: KeyObject) {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return key.toCryptoKey({ name: 'Ed25519' }, false, ['sign'])
  if (type === 'rsa') {
    return key.toCryptoKey({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign'])
  }
  const namedCurve = details?.namedCurve === 'secp384r1' ? 'P-384' : 'P-256'
  return key.toCryptoKey({ name: 'ECDSA', namedCurve }, false, ['sign'])
}
