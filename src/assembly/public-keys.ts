import { PublicKeys } from '../operations/public-keys.ts'
import type { Store } from '../store/store.ts'
import type { AssembledMaterial } from './materials.ts'

/** The public parts of what the config says is `public`. */
export function assemblePublicKeys(store: Store, materials: readonly AssembledMaterial[]) {
  const { keys, schedule } = store
  return new PublicKeys({
    keys: {
      list: (name) => settledVersions(name, store),
      secret: (name, number) => keys.secret(name, number),
    },
    schedule,
    materials: materials
      .filter((material) => material.public)
      .map(({ managed: { name, kind }, described }) => ({ name, kind, type: described.kind })),
  })
}

/** Without the one that a rotation under way may still give up. */
export function settledVersions(name: string, { keys, journal }: Pick<Store, 'keys' | 'journal'>) {
  const [last] = journal.history({ material: name, limit: 1 })
  const tried = last?.result === undefined ? last?.changes.map(({ to }) => to) : undefined
  return keys
    .list(name)
    .filter(({ number, state }) => state !== 'prepared' || tried?.includes(number) !== true)
}
