import type { X509Certificate } from 'node:crypto'
import { weaknessOf } from '../../formats/certificate.ts'
import { isIssuedBy, isSelfSigned } from '../../formats/certificate-chain.ts'
import { algorithmOf } from '../../formats/key-algorithm.ts'
import { covers } from '../../formats/subject-name.ts'
import type { Version } from '../../model/version.ts'
import { formatDuration } from '../../support/duration.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { type Credential, fingerprintOf, namesOf } from './credential.ts'
import type { Issued } from './issuer.ts'

/**
 * What must be true of a certificate at any time: it belongs to the key, clients can follow it up to its anchor,
 * it is strong enough and it is for `names`.
 * @throws OperatorError that begins with `source`
 */
export function refuseUnsound(credential: Credential, names: readonly string[], source: string) {
  const { key, leaf, chain, anchor } = credential
  if (!leaf.checkPrivateKey(key)) {
    throw new OperatorError(`${source}: the certificate does not belong to the private key`)
  }
  for (const certificate of [leaf, ...chain.filter((issuer) => !isSelfSigned(issuer))]) {
    const weakness = weaknessOf(certificate)
    if (weakness) {
      throw new OperatorError(`${source}: ${titleOf(certificate, leaf)} ${weakness}`, {
        hint: 'clients refuse it: get X.509 v3, RSA of at least 2048 bits or EC, and SHA-2',
      })
    }
  }
  if (!isLinked([leaf, ...chain, ...(anchor ? [anchor] : [])])) {
    throw new OperatorError(`${source}: its chain is not in order, or a signature in it is wrong`)
  }
  const missing = names.filter((name) => !covers(leaf, name))
  if (missing.length > 0) {
    throw new OperatorError(`${source}: the certificate is not for ${missing.join(', ')}`, {
      hint: 'have it issued for every name under `names`, or correct them',
    })
  }
}

/**
 * What must be true of a certificate that takes the place of another now: valid now, and not merely the same
 * again.
 * @param now epoch milliseconds
 * @throws OperatorError that begins with the issuer's source
 */
export function refuseUseless(issued: Issued, previous: Version | undefined, now: number): void {
  const { leaf, source } = issued
  const begin = leaf.validFromDate.getTime()
  const end = leaf.validToDate.getTime()
  if (begin > now) throw new OperatorError(`${source}: not valid before ${dateOf(begin)}`)
  if (end <= now) throw new OperatorError(`${source}: the certificate expired ${dateOf(end)}`)
  if (fingerprintOf(leaf) === previous?.fingerprint) {
    throw new OperatorError(`${source}: still the certificate that is active`, {
      hint: 'see why it was not renewed; rekeyd takes it as soon as it changes',
    })
  }
  if (previous?.notAfter === undefined || !issued.limit || !isOnlyOlder(issued, previous)) return
  const gain = end - previous.notAfter
  if (gain < (end - begin) / 3) {
    throw new OperatorError(`${source}: ends ${dateOf(end)}, ${gainText(gain)}: ${issued.limit}`, {
      hint: 'renew the issuer; `rekeyd import NAME` takes a certificate that you want all the same',
    })
  }
}

/** Whether nothing but its age speaks against the previous one. */
function isOnlyOlder({ key, leaf }: Issued, { compromised, attributes }: Version): boolean {
  return (
    !compromised &&
    attributes['names'] === namesOf(leaf) &&
    attributes['algorithm'] === algorithmOf(key)
  )
}

function isLinked(path: readonly X509Certificate[]): boolean {
  return path.every((certificate, index) => {
    const issuer = path[index + 1]
    return !issuer || issuer.raw.equals(certificate.raw) || isIssuedBy(certificate, issuer)
  })
}

function titleOf(certificate: X509Certificate, leaf: X509Certificate): string {
  return certificate === leaf ? 'the certificate' : 'a certificate above it'
}

function gainText(gain: number): string {
  if (gain <= 0) return 'no later than the active one'
  return `only ${formatDuration(gain)} later than the active one`
}

function dateOf(moment: number): string {
  return new Date(moment).toISOString()
}
