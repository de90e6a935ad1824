import type { Made } from '../materials/kind.ts'
import type { Version } from '../model/version.ts'
import type { KeyStore } from '../store/key-store.ts'
import { OperatorError } from '../support/operator-error.ts'

/**
 * Refuses what has leaked before, wherever it comes from now: an issuer that hands out the same certificate,
 * an import, a target that was restored. A new certificate for the leaked key is no better.
 * @throws OperatorError `refused`
 */
export function refuseKnownLeak(keys: KeyStore, name: string, made: Made): void {
  const fingerprint = made.fingerprint ?? keys.fingerprint(made.parts)
  const leaked = keys
    .list(name)
    .find((version) => version.compromised && isSame(version, fingerprint, made.attributes))
  if (!leaked) return
  throw new OperatorError(
    `this ${name} is version ${leaked.number} again, which is marked as compromised`,
    {
      kind: 'refused',
      hint: 'nothing was changed; make one with a new key where it comes from, and revoke the old one there',
    },
  )
}

function isSame(
  { fingerprint, attributes }: Version,
  found: string,
  { spki_sha256 }: Made['attributes'],
): boolean {
  return (
    fingerprint === found ||
    (spki_sha256 !== undefined && attributes['spki_sha256'] === spki_sha256)
  )
}
