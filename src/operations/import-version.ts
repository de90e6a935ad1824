import { wipe } from '../rotation/adoption.ts'
import type { DescribedMaterial } from './described.ts'
import { readImport } from './importing.ts'
import type { Caller } from './operations.ts'
import type { OperationsParts } from './operations-parts.ts'
import { impactRefusal } from './refusal.ts'
import { isReplaced, rotationView } from './rotation-view.ts'
import type { Acceptance, ImportPart, RotationView } from './views.ts'

/**
 * Puts a version that was made elsewhere in place; undefined when it is in use already. What it does to
 * clients is asked only once it is known to do anything: certbot's hook calls twice a day.
 * @throws OperatorError `refused` where clients break and nobody accepts it
 */
export async function importVersion(
  { engine, keys, clock }: OperationsParts,
  described: DescribedMaterial,
  files: readonly ImportPart[],
  options: Acceptance,
  caller: Caller,
): Promise<RotationView | undefined> {
  const { name } = described
  const made = await readImport(engine.material(name), keys, files, clock.now())
  if (made === 'already active') return undefined
  const refused = impactRefusal(described, 'import', options)
  if (refused) {
    wipe(made)
    throw refused
  }
  const view = rotationView(await engine.import(name, made, caller).done)
  if (isReplaced(view) && keys.request(name)) keys.setRequest(name, undefined, caller)
  return view
}
