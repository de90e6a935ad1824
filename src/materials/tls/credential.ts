import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { encodeCertificates } from '../../formats/certificate.ts'
import { isSelfSigned, orderChain } from '../../formats/certificate-chain.ts'
import { algorithmOf } from '../../formats/key-algorithm.ts'
import { writePrivateKey } from '../../formats/key-encoding.ts'
import { subjectNames } from '../../formats/subject-name.ts'
import { SecretBytes } from '../../model/secret-bytes.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { Made } from '../kind.ts'

/** A private key with the certificate for it and what clients need to trust that. */
export interface Credential {
  readonly key: KeyObject
  readonly leaf: X509Certificate
  /** Issuers as servers send them after the leaf, nearest first; empty under a root or when self-signed. */
  readonly chain: readonly X509Certificate[]
  /** What clients are given to trust, where it is known. */
  readonly anchor?: X509Certificate
}

/** Names shown in attributes; certificates may have thousands. */
const mostNames = 20

/**
 * Puts what lay beside a certificate in order above it.
 * @param place where they were found, for the message
 * @throws OperatorError when one of them has nothing to do with the others
 */
export function credentialOf(
  key: KeyObject,
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  place: string,
): Credential {
  const { issuers: chain, unrelated } = orderChain(leaf, others)
  if (unrelated.length > 0) {
    throw new OperatorError(`${place}: one of the certificates issued none of the others`, {
      hint: 'leave only the certificate that belongs to the key, and those above it',
    })
  }
  const top = chain.at(-1) ?? leaf
  return { key, leaf, chain, ...(isSelfSigned(top) && { anchor: top }) }
}

/** `sha256:` and the hex SHA-256 of the DER. */
export function fingerprintOf({ raw }: X509Certificate): string {
  return `sha256:${createHash('sha256').update(raw).digest('hex')}`
}

/** `sha256:` and the hex SHA-256 of the SubjectPublicKeyInfo: what clients pin, and what `qu` shows. */
export function keyFingerprintOf({ publicKey }: X509Certificate): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`
}

/**
 * As the store keeps it. Canonical: `private_key` PKCS #8 DER; `certificate` and `ca` DER; `chain` PEM, absent
 * when empty.
 * @param issuer the name of the configured issuer
 */
export function madeOf({ key, leaf, chain, anchor }: Credential, issuer: string): Made {
  const apart = anchor && !anchor.raw.equals(leaf.raw) ? anchor : undefined
  return {
    parts: {
      private_key: SecretBytes.take(writePrivateKey(key, 'pkcs8-der')),
      certificate: SecretBytes.copyOf(leaf.raw),
      ...(chain.length > 0 && { chain: SecretBytes.take(encodeCertificates(chain)) }),
      ...(apart && { ca: SecretBytes.copyOf(apart.raw) }),
    },
    fingerprint: fingerprintOf(leaf),
    attributes: {
      algorithm: algorithmOf(key),
      spki_sha256: keyFingerprintOf(leaf),
      serial: leaf.serialNumber.toLowerCase(),
      subject: oneLine(leaf.subject),
      issuer: oneLine(leaf.issuer),
      names: namesOf(leaf),
      issuer_kind: issuer,
    },
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  }
}

/** The names in a certificate, as the attribute `names` shows them. */
export function namesOf(leaf: X509Certificate): string {
  const names = subjectNames(leaf)
  const more = names.length - mostNames
  return [...names.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}

/** node:crypto puts each attribute of a distinguished name on a line of its own; none for an empty name. */
function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ')
}
