import { createHash, X509Certificate } from 'node:crypto'
import type { Version } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import { no, yes } from './verdict.ts'
import type { Verdict, Verifier } from './verifier.ts'

/** Completes a handshake and gives back the leaf certificate, DER. Nobody is trusted: only which one it is counts. */
type FetchLeaf = (signal: AbortSignal) => Promise<Uint8Array>

/**
 * The part of a verifier that compares the certificate a consumer serves with that of a version. A finished
 * handshake proves more than the certificate: the consumer has the private key.
 */
export function servedLeaf(
  fetchLeaf: FetchLeaf,
): Pick<Verifier, 'proves' | 'accepts'> & Required<Pick<Verifier, 'refuses'>> {
  return {
    proves: true,
    async accepts({ version }, signal): Promise<Verdict> {
      const wanted = fingerprintOf(version)
      const served = fingerprintsOf(await fetchLeaf(signal))
      if (served.includes(wanted)) return yes
      return no(`serves the certificate ${served[0]}, not ${wanted}`)
    },
    async refuses({ version }, signal): Promise<Verdict> {
      const old = fingerprintOf(version)
      const served = fingerprintsOf(await fetchLeaf(signal))
      return served.includes(old) ? no(`still serves the certificate ${old}`) : yes
    },
  }
}

function fingerprintOf({ material, fingerprint }: Version): string {
  if (/^sha256:[0-9a-f]{64}$/.test(fingerprint)) return fingerprint
  throw new OperatorError(`${material} has no certificate that could be served`, {
    kind: 'config',
    hint: 'use the verifiers tls and quic with materials of the kind tls or node-identity',
  })
}

/** As versions have it: of the certificate, or of its public key alone where peers pin that (`node-identity`). */
function fingerprintsOf(leaf: Uint8Array): readonly [certificate: string, publicKey: string] {
  const spki = new X509Certificate(leaf).publicKey.export({ type: 'spki', format: 'der' })
  return [fingerprint(leaf), fingerprint(spki)]
}

/** `sha256:` and hex. */
function fingerprint(leaf: Uint8Array): string {
  return `sha256:${createHash('sha256').update(leaf).digest('hex')}`
}
