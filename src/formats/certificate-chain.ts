import type { X509Certificate } from 'node:crypto'

/** Certificates in the order servers send them. */
export interface OrderedChain {
  /** The issuers of the leaf, nearest first. */
  readonly issuers: readonly X509Certificate[]
  /** What was given and issued none of them. */
  readonly unrelated: readonly X509Certificate[]
}

/** Whether `issuer` signed `certificate` and was allowed to, by name, key identifier, key usage and signature. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSignedBy(certificate, issuer)
}

/** Whether a certificate is its own issuer: a root, or a self-signed leaf, which has no right to sign others. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate)
}

function isSignedBy(certificate: X509Certificate, { publicKey }: X509Certificate): boolean {
  try {
    return certificate.verify(publicKey)
  } catch {
    // A signature algorithm that does not fit the key.
    return false
  }
}

/** Walks from `leaf` upwards through `others`, whose order does not matter; each is used once, so a loop ends. */
export function orderChain(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
): OrderedChain {
  const unrelated = withoutCopies(others.filter((other) => !other.raw.equals(leaf.raw)))
  const issuers: X509Certificate[] = []
  for (let last = leaf; !isSelfSigned(last); ) {
    const next = unrelated.findIndex((candidate) => isIssuedBy(last, candidate))
    if (next < 0) break
    issuers.push(...unrelated.splice(next, 1))
    last = issuers.at(-1) ?? last
  }
  return { issuers, unrelated }
}

function withoutCopies(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
}
