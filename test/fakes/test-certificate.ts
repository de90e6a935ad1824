import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Edition } from '../../src/model/version.ts'
import { fakeEdition } from './fake-edition.ts'

export interface TestCertificate {
  readonly key: string
  readonly cert: string
  /** The edition of a `tls` material that has it. */
  readonly edition: Edition
}

/** A self-signed certificate for localhost, made by openssl. */
export function testCertificate(): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-certificate-'))
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const files = ['-keyout', keyFile, '-out', certFile]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const subject = [
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
    ]
    execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' })
    const cert = readFileSync(certFile, 'utf8')
    const { raw } = new X509Certificate(cert)
    return { key: readFileSync(keyFile, 'utf8'), cert, edition: fakeEdition(raw) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
