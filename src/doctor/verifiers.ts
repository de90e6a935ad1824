import type { Edition } from '../model/version.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import { editionOf } from '../rotation/edition.ts'
import { isMadeHere } from '../rotation/managed.ts'
import { ask } from '../rotation/proof.ts'
import { messageOf } from '../support/operator-error.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import { failure, ok, warning } from './finding.ts'
import type { MaterialCheck } from './subject.ts'

const patience = 30_000

/** Whether a rotation could be proved: something must be able to tell which version is in use. */
export const verifiers: MaterialCheck = async (material, { keys }, signal) => {
  if (!isMadeHere(material)) return []
  const { name } = material
  const active = keys.active(name)
  const edition = active && editionOf(keys, material.kind, active)
  const findings: DoctorFinding[] = proofless(name, material.verifiers)
  for (const verifier of material.verifiers) {
    findings.push(await asked(name, verifier, edition, signal))
  }
  return findings
}

function proofless(material: string, verifiers: readonly Verifier[]): DoctorFinding[] {
  if (verifiers.some(({ proves }) => proves)) return []
  const message =
    verifiers.length === 0
      ? 'nothing proves a rotation: its result would be applied_unproved'
      : 'its verifiers show only that the consumer is up: the result would be applied_unproved'
  return [
    warning('verifier', message, 'add a verifier that sees the value, such as a command', {
      material,
    }),
  ]
}

/** Not being able to tell stops a rotation before it begins; a "no" may be what it heals. */
async function asked(
  material: string,
  verifier: Verifier,
  edition: Edition | undefined,
  signal: AbortSignal,
): Promise<DoctorFinding> {
  const { type, subject } = verifier
  const where = { material, place: `${type} ${subject}` }
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  try {
    const verdict = await ask(
      (signal) => (edition ? verifier.accepts(edition, signal) : verifier.ready(signal)),
      limit,
    )
    if (verdict.yes) return ok('verifier', 'says yes', where)
    const what = edition ? 'does not show the version that is in use by the store' : 'is not ready'
    return warning('verifier', `${what}: ${verdict.reason}`, 'see what the consumer uses', where)
  } catch (error) {
    signal.throwIfAborted()
    const message = `could not tell which version is in use: ${messageOf(error)}`
    if (!edition) return warning('verifier', message, 'see that the consumer runs', where)
    return failure(
      'verifier',
      message,
      'see that the consumer runs and the verifier reaches it',
      where,
    )
  }
}
