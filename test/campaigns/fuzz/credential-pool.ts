import 'reflect-metadata'
import { createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const day = 86_400_000
const now = Date.UTC(2027, 2, 1)

export const keyNames = [
  'p256',
  'other',
  'p384',
  'p521',
  'ed25519',
  'rsa2048',
  'rsa1024',
  'rsa512',
] as const
export type KeyName = (typeof keyNames)[number]

/** What is odd about a certificate. */
export const flavours = [
  'plain',
  'self-signed',
  'expired',
  'not yet valid',
  'year 9999',
  'year 1950',
  'negative serial',
  'long serial',
  'no subject',
  'IDN',
  'control characters',
  'many names',
  'SHA-1',
  'CA itself',
  'below the root',
] as const
export type Flavour = (typeof flavours)[number]

export const authorities = ['root', 'issuing', 'stranger', 'loop', 'pool'] as const
export type Authority = (typeof authorities)[number]

/** Keys and certificates of every kind, each made once and by another library than the one that reads them. */
export class CredentialPool {
  readonly #keys = new Map<string, KeyObject>()
  readonly #certificates = new Map<string, Promise<Buffer>>()

  key(name: KeyName | Authority): KeyObject {
    const known = this.#keys.get(name)
    if (known) return known
    const made = makeKey(name)
    this.#keys.set(name, made)
    return made
  }

  /** DER of a certificate for one of the keys. */
  certificate(flavour: Flavour, name: KeyName): Promise<Buffer> {
    // Takes seconds to make.
    if (flavour === 'many names' && name !== 'p256') return this.certificate('plain', name)
    return this.#once(`${flavour} ${name}`, () => this.#leaf(flavour, name))
  }

  /** DER of the certificate of an authority: `issuing` is under `root`; `loop` and `pool` sign each other. */
  authority(name: Authority): Promise<Buffer> {
    const above = {
      root: 'root',
      issuing: 'root',
      stranger: 'stranger',
      loop: 'pool',
      pool: 'loop',
    } as const
    return this.#once(name, () =>
      this.#sign({
        subject: `CN=${name}`,
        issuer: `CN=${above[name]}`,
        key: this.key(name),
        signer: this.key(above[name]),
        isCa: true,
      }),
    )
  }

  #once(what: string, make: () => Promise<Buffer>): Promise<Buffer> {
    const known = this.#certificates.get(what)
    if (known) return known
    const made = make()
    this.#certificates.set(what, made)
    return made
  }

  #leaf(flavour: Flavour, name: KeyName): Promise<Buffer> {
    const key = this.key(name)
    const isOwn = flavour === 'self-signed' || name === 'rsa512'
    const issuer = flavour === 'below the root' ? 'root' : 'issuing'
    const common = {
      subject: 'CN=a.example.com',
      issuer: isOwn ? 'CN=a.example.com' : `CN=${issuer}`,
      key,
      signer: isOwn ? key : this.key(issuer),
      names: ['a.example.com'],
    }
    const odd: Partial<Record<Flavour, Partial<Template>>> = {
      expired: { from: now - 90 * day, to: now - day },
      'not yet valid': { from: now + day, to: now + 90 * day },
      'year 9999': { to: Date.UTC(9999, 11, 31, 23, 59, 59) },
      'year 1950': { from: Date.UTC(1950, 0, 1), to: Date.UTC(1950, 0, 2) },
      'negative serial': { serial: 'ff' },
      'long serial': { serial: '7f'.repeat(40) },
      'no subject': { subject: '' },
      IDN: { subject: 'CN=bücher.example, O=Größe \\, Söhne', names: ['xn--bcher-kva.example'] },
      'control characters': {
        subject: [{ CN: ['a\u001b[2J\nb'] }],
        names: ['a\u001b[2J, DNS:b\n.example.com'],
      },
      'many names': {
        names: Array.from({ length: 10_000 }, (_, index) => `n${index}.example.com`),
      },
      'SHA-1': { hash: 'SHA-1' },
      'CA itself': { isCa: true },
    }
    return this.#sign({ ...common, ...odd[flavour] })
  }

  async #sign(template: Template): Promise<Buffer> {
    const { subject, issuer, key, signer, isCa = false, names, hash } = template
    const made = await x509.X509CertificateGenerator.create(
      {
        serialNumber: template.serial ?? '1234',
        subject,
        issuer,
        notBefore: new Date(template.from ?? now - 10 * day),
        notAfter: new Date(template.to ?? now + 80 * day),
        publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }),
        ...signing(signer, hash),
        extensions: [
          new x509.BasicConstraintsExtension(isCa, undefined, true),
          ...(names
            ? [
                new x509.SubjectAlternativeNameExtension(
                  names.map((value) => ({ type: 'dns', value })),
                ),
              ]
            : []),
        ],
      },
      webcrypto,
    )
    return Buffer.from(made.rawData)
  }
}

interface Template {
  readonly subject: string | x509.JsonName
  readonly issuer: string
  readonly key: KeyObject
  readonly signer: KeyObject
  readonly isCa?: boolean
  readonly names?: readonly string[]
  /** Epoch milliseconds. */
  readonly from?: number
  readonly to?: number
  readonly serial?: string
  readonly hash?: 'SHA-1'
}

function makeKey(name: KeyName | Authority): KeyObject {
  if (name === 'ed25519') return generateKeyPairSync('ed25519').privateKey
  const [, bits] = /^rsa(\d+)$/.exec(name) ?? []
  if (bits !== undefined) {
    return generateKeyPairSync('rsa', { modulusLength: Number(bits) }).privateKey
  }
  const curves: Partial<Record<string, string>> = { p384: 'P-384', p521: 'P-521' }
  return generateKeyPairSync('ec', { namedCurve: curves[name] ?? 'P-256' }).privateKey
}

function signing(key: KeyObject, hash = 'SHA-256') {
  const type = key.asymmetricKeyType
  const algorithm =
    type === 'ed25519'
      ? { name: 'Ed25519' }
      : type === 'rsa'
        ? { name: 'RSASSA-PKCS1-v1_5', hash }
        : { name: 'ECDSA', hash, namedCurve: curveOf(key) }
  return { signingKey: key.toCryptoKey(algorithm, false, ['sign']), signingAlgorithm: algorithm }
}

function curveOf({ asymmetricKeyDetails }: KeyObject): string {
  const names: Partial<Record<string, string>> = { secp384r1: 'P-384', secp521r1: 'P-521' }
  return names[asymmetricKeyDetails?.namedCurve ?? ''] ?? 'P-256'
}
