import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { signCertificate } from '../../src/formats/certificate-issuance.ts'

/** Everything here is looked at on this day. */
export const now = Date.parse('2027-01-01T12:00:00Z')
const day = 86_400_000

/** A folder that stands for the root of a host. */
export class ScratchHost {
  readonly root = mkdtempSync(join(tmpdir(), 'rekeyd-init-'))

  path(name: string): string {
    return join(this.root, name)
  }

  /** Writes files by their paths in the host; text without indentation, bytes as they are. */
  write(files: Readonly<Record<string, string | Uint8Array>>, mode = 0o600): this {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true })
      writeFileSync(this.path(name), typeof content === 'string' ? unindented(content) : content, {
        mode,
      })
    }
    return this
  }

  remove(): void {
    rmSync(this.root, { recursive: true })
  }
}

function unindented(text: string): string {
  const lines = text.replace(/^\n/, '').split('\n')
  const margin = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0
  return lines
    .map((line) => line.slice(Math.min(margin, /^ */.exec(line)?.[0].length ?? 0)))
    .join('\n')
}

export interface MadeCertificate {
  readonly certificate: string
  readonly der: Buffer
  readonly key: string
  readonly keyDer: Buffer
}

/** A certificate that ends some days after {@link now}; self-signed unless somebody signs it. */
export async function makeCertificate(
  name: string,
  days: number,
  issuer?: { readonly certificate: X509Certificate; readonly key: KeyObject },
): Promise<MadeCertificate> {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const der = await signCertificate({
    attributes: [['CN', name]],
    names: [name],
    key,
    notBefore: now - day,
    notAfter: now + days * day,
    keyIdentifiers: false,
    ...(issuer && { issuer }),
  })
  const pem = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${pem}-----END CERTIFICATE-----\n`,
    der,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    keyDer: key.export({ type: 'pkcs8', format: 'der' }),
  }
}
