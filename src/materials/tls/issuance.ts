import type { X509Certificate } from 'node:crypto'
import { parseCertificate } from '../../formats/certificate.ts'
import type { Subject } from '../../formats/certificate-issuance.ts'

/** When a certificate made `now` is valid. Epoch milliseconds. */
export interface Times {
  readonly now: number
  readonly notBefore: number
  readonly notAfter: number
}

/** So that clients whose clocks are behind accept a new certificate. Milliseconds. */
const backdating = 3_600_000
/** Upper bound of a common name (RFC 5280, ub-common-name). */
const longestCommonName = 64

/** The subject of a certificate for `names`: the first is also its common name, for people. */
export function subjectFor(names: readonly string[]): Pick<Subject, 'attributes' | 'names'> {
  const [first = ''] = names
  return { attributes: first.length > longestCommonName ? [] : [['CN', first]], names }
}

/** @param lifetime milliseconds */
export function certificateTimes(now: number, lifetime: number): Times {
  return { now, notBefore: now - backdating, notAfter: now + lifetime }
}

/** Reads back with OpenSSL what we signed ourselves. */
export function parseOwn(der: Buffer): X509Certificate {
  const certificate = parseCertificate(der)
  if (!certificate) throw new Error('the certificate just signed does not parse')
  return certificate
}
