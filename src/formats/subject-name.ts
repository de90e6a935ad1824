import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/
const longestDomain = 253
/** What is ASCII but in no host name. */
const foreignAscii = /(?![A-Za-z0-9.-])\p{ASCII}/u

/**
 * A name a certificate can be for (RFC 5280 §4.2.1.6): an IP address, or a DNS name in lower-case ASCII, which
 * may begin with the label `*`. Names in other scripts become their `xn--` form.
 * @returns undefined for anything else
 */
export function normalizeSubjectName(name: string): string | undefined {
  // A zone (`fe80::1%eth0`) means something on one host only.
  if (isIP(name)) return name.includes('%') ? undefined : name
  const wildcard = name.startsWith('*.')
  const given = wildcard ? name.slice(2) : name
  // domainToASCII reads like a URL: it would cut `a/b` short and decode `%61`.
  if (foreignAscii.test(given)) return undefined
  const domain = domainToASCII(given)
  const labels = domain.split('.')
  // What is all digits at the end would be read as an IPv4 address.
  const sound = labels.every((text) => label.test(text)) && !isIP(domain) && domain.length > 0
  if (!sound || domain.length > longestDomain) return undefined
  return wildcard ? `*.${domain}` : domain
}

/** Whether a client that asks for `name` accepts the certificate; the common name counts for nothing. */
export function covers(certificate: X509Certificate, name: string): boolean {
  if (isIP(name)) return certificate.checkIP(name) !== undefined
  const example = name.replace(/^\*(?=\.)/, 'any')
  return certificate.checkHost(example, { subject: 'never' }) !== undefined
}

/** The DNS names and IP addresses in a certificate, in its own order. */
export function subjectNames(certificate: X509Certificate): string[] {
  const entries = certificate.subjectAltName?.split(', ') ?? []
  return entries.flatMap((entry) => /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1] ?? [])
}
