import type { Edition } from '../model/version.ts'
import { editionOf } from '../rotation/edition.ts'
import type { Inspected } from '../rotation/inspection.ts'
import { isMadeHere, type ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import { messageOf } from '../support/operator-error.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import type { DescribedMaterial } from './described.ts'
import { targetViews } from './material-view.ts'
import type { VerifyView } from './views.ts'

type Answer = VerifyView['verifiers'][number]

const patience = 30_000

/** Asks every verifier about the active version, beside what the targets were just seen to hold. */
export async function verifyNow(
  described: DescribedMaterial,
  material: ManagedMaterial,
  keys: KeyStore,
  inspected: readonly Inspected[],
): Promise<VerifyView> {
  const active = keys.active(material.name)
  const edition =
    active && isMadeHere(material) ? editionOf(keys, material.kind, active) : undefined
  const verifiers: Answer[] = []
  for (const verifier of material.verifiers) verifiers.push(await ask(verifier, edition))
  const holding = inspected.every(
    ({ target, finding }) =>
      target.role !== 'active' ||
      (finding.holds === 'version' && finding.number === active?.number),
  )
  return {
    schema_version: 1,
    material: material.name,
    targets: targetViews(described, inspected),
    verifiers,
    ok: active !== undefined && holding && verifiers.every(({ answer }) => answer === 'yes'),
  }
}

async function ask(verifier: Verifier, edition: Edition | undefined): Promise<Answer> {
  const { type, subject } = verifier
  const signal = AbortSignal.timeout(patience)
  try {
    const verdict = await (edition ? verifier.accepts(edition, signal) : verifier.ready(signal))
    return verdict.yes
      ? { type, subject, answer: 'yes' }
      : { type, subject, answer: 'no', reason: verdict.reason }
  } catch (error) {
    return { type, subject, answer: 'could not tell', reason: messageOf(error) }
  }
}
