import { X509Certificate } from 'node:crypto'
import { isSelfSigned } from '../formats/certificate-chain.ts'
import type { Host } from './host.ts'

/** What a certificate of the host says; nothing about its key. */
export interface FoundCertificate {
  /** DNS names and addresses, the common name where there are none. */
  readonly names: readonly string[]
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly selfSigned: boolean
  readonly fingerprint: string
}

/** The first certificate in a PEM or DER file; undefined when there is none. */
export function readCertificate(host: Host, path: string): FoundCertificate | undefined {
  const bytes = host.bytes(path)
  if (!bytes) return undefined
  try {
    const certificate = new X509Certificate(bytes)
    return {
      names: namesOf(certificate),
      notBefore: certificate.validFromDate.getTime(),
      notAfter: certificate.validToDate.getTime(),
      selfSigned: isSelfSigned(certificate),
      fingerprint: certificate.fingerprint256,
    }
  } catch {
    host.complain(path, 'holds no certificate')
    return undefined
  }
}

function namesOf({ subjectAltName = '', subject }: X509Certificate): readonly string[] {
  const names = [...subjectAltName.matchAll(/(?:DNS|IP Address):([\w.:*-]+)/g)].map(
    ([, name]) => name ?? '',
  )
  const common = /^CN=([\w.*-]+)$/m.exec(subject)?.[1]
  return names.length === 0 && common !== undefined ? [common] : names
}
