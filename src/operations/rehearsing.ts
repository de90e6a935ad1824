import { rehearse } from '../rotation/rehearsal.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { DescribedMaterial } from './described.ts'
import type { Caller } from './operations.ts'
import type { OperationsParts } from './operations-parts.ts'
import type { RehearsalView } from './outlook.ts'

/**
 * Rehearses a rotation. Recovers nothing before, which might put a first version in place.
 * @throws OperatorError `busy` during a rotation, `needs-attention` when one was left open
 */
export async function rehearseNow(
  parts: OperationsParts,
  { name }: DescribedMaterial,
  caller: Caller,
): Promise<RehearsalView> {
  const { engine, journal } = parts
  const open = journal
    .unfinished()
    .some(({ rotation }) => rotation.changes.some(({ material }) => material === name))
  if (open && !engine.isRotating(name)) {
    throw new OperatorError(`a rotation of ${name} was left open`, {
      kind: 'needs-attention',
      hint: 'start the daemon, which brings it to its end, and rehearse then',
    })
  }
  const steps = await engine.undisturbed(name, rehearse)
  const failed = steps.filter(({ outcome }) => outcome === 'failed').length
  const detail = failed === 0 ? 'nothing failed' : `${failed} of ${steps.length} steps failed`
  parts.record(caller, { action: 'material.rehearse', material: name, detail })
  return { schema_version: 1, material: name, ok: failed === 0, steps }
}
