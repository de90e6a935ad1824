import { createHash } from 'node:crypto'
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
      const served = fingerprint(await fetchLeaf(signal))
      return served === wanted ? yes : no(`serves the certificate ${served}, not ${wanted}`)
    },
    async refuses({ version }, signal): Promise<Verdict> {
      const old = fingerprintOf(version)
      const served = fingerprint(await fetchLeaf(signal))
      return served === old ? no(`still serves the certificate ${old}`) : yes
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

/** `sha256:` and hex, as versions have it. */
function fingerprint(leaf: Uint8Array): string {
  return `sha256:${createHash('sha256').update(leaf).digest('hex')}`
}
