import { PublicKeys } from '../operations/public-keys.ts'
import type { Store } from '../store/store.ts'
import type { AssembledMaterial } from './materials.ts'

/** The public parts of what the config says is `public`. */
export function assemblePublicKeys(
  { keys, schedule }: Store,
  materials: readonly AssembledMaterial[],
) {
  return new PublicKeys({
    keys,
    schedule,
    materials: materials
      .filter((material) => material.public)
      .map(({ managed: { name, kind }, described }) => ({ name, kind, type: described.kind })),
  })
}
