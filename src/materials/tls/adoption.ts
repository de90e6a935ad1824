import type { KeyObject, X509Certificate } from 'node:crypto'
import { isIssuedBy } from '../../formats/certificate-chain.ts'
import { type Credentials, readContainer, readCredentials } from '../../formats/credential-file.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { Found } from '../kind.ts'
import { cannotAdopt, missingPart } from '../part-codec.ts'
import { type Credential, credentialOf } from './credential.ts'

/** What one place contributes. */
interface Evidence extends Credentials {
  readonly found: Found
}

/** A key or certificate, and where it was. */
interface Located<T> {
  readonly value: T
  readonly found: Found
}

/** What each part promises to hold; anything else in it counts for nothing. */
const promises: Readonly<Record<string, { readonly key: boolean; readonly certificate: boolean }>> =
  {
    certificate: { key: false, certificate: true },
    private_key: { key: true, certificate: false },
    chain: { key: false, certificate: true },
    fullchain: { key: false, certificate: true },
    ca: { key: false, certificate: true },
    bundle: { key: true, certificate: true },
    combined: { key: true, certificate: true },
  }

/**
 * Reads one version from everything found. What a file holds counts, not the format that was declared for it.
 * @throws OperatorError naming the place of what does not parse, or the two that do not belong together
 */
export async function credentialFrom(
  found: readonly Found[],
  readPassword: () => Promise<Buffer>,
): Promise<Credential> {
  const evidence = await Promise.all(found.map((one) => readEvidence(one, readPassword)))
  const key = theOneKey(evidence, found)
  const own = evidence.filter(({ found }) => found.part !== 'ca').flatMap(certificatesOf)
  const leaf = theOneLeaf(key, own, found)
  const places = [...new Set(own.map(({ found }) => found.place))].join(' and ')
  const others = own.map(({ value }) => value).filter((value) => value !== leaf)
  const credential = credentialOf(key.value, leaf, others, places)
  const anchors = evidence.filter(({ found }) => found.part === 'ca').flatMap(certificatesOf)
  return anchors.length > 0 ? withAnchor(credential, anchors) : credential
}

async function readEvidence(found: Found, readPassword: () => Promise<Buffer>): Promise<Evidence> {
  const contents =
    found.part === 'bundle'
      ? await readContainer(found.bytes.bytes, (await readPassword()).toString('utf8'))
      : readCredentials(found.bytes.bytes)
  if ('problem' in contents) throw cannotAdopt(found, contents.problem)
  return { found, ...promised(found, contents) }
}

/** What the part promises, of what its place holds. */
function promised(found: Found, { privateKeys, certificates }: Credentials): Credentials {
  const promise = Object.hasOwn(promises, found.part) ? promises[found.part] : undefined
  if (!promise) throw cannotAdopt(found, 'is no part of kind tls')
  if (promise.key && privateKeys.length !== 1) {
    throw cannotAdopt(found, `holds ${privateKeys.length} private keys, not one`)
  }
  if (promise.certificate && certificates.length === 0) {
    throw cannotAdopt(found, 'holds no certificate')
  }
  return {
    privateKeys: promise.key ? privateKeys : [],
    certificates: promise.certificate ? certificates : [],
  }
}

function certificatesOf({ found, certificates }: Evidence): Located<X509Certificate>[] {
  return certificates.map((value) => ({ value, found }))
}

function theOneKey(evidence: readonly Evidence[], found: readonly Found[]): Located<KeyObject> {
  const keys = evidence.flatMap(({ found, privateKeys }) =>
    privateKeys.map((value) => ({ value, found })),
  )
  const [first] = keys
  if (!first) throw missingPart(found, 'private_key')
  const other = keys.find(({ value }) => !value.equals(first.value))
  if (other) throw disagreement(first.found, other.found, 'hold different private keys')
  return first
}

function theOneLeaf(
  key: Located<KeyObject>,
  certificates: readonly Located<X509Certificate>[],
  found: readonly Found[],
): X509Certificate {
  const [any] = certificates
  if (!any) throw missingPart(found, 'certificate')
  const [first, ...more] = certificates.filter(({ value }) => value.checkPrivateKey(key.value))
  if (!first)
    throw disagreement(any.found, key.found, 'hold a certificate and a key that do not match')
  const other = more.find(({ value }) => !value.raw.equals(first.value.raw))
  if (other) throw disagreement(first.found, other.found, 'hold different certificates')
  return first.value
}

/** A file for `ca` may hold others, too; the one that counts is above everything else. */
function withAnchor(
  credential: Credential,
  anchors: readonly Located<X509Certificate>[],
): Credential {
  const top = credential.chain.at(-1) ?? credential.leaf
  const anchor = anchors.find(({ value }) => value.raw.equals(top.raw) || isIssuedBy(top, value))
  if (anchor) return { ...credential, anchor: anchor.value }
  const [any] = anchors
  throw any
    ? cannotAdopt(any.found, 'did not issue the certificate')
    : new RangeError('no certificate of an issuer')
}

function disagreement(one: Found, other: Found, problem: string): OperatorError {
  return new OperatorError(`${one.place} and ${other.place} ${problem}`, {
    kind: 'refused',
    hint: 'put the pair that belongs together into both; rekeyd has changed nothing',
  })
}
