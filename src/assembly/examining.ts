import { catalogs } from '../config/catalogs.ts'
import type { Config } from '../config/config.ts'
import { examine } from '../doctor/examine.ts'
import { ForeseenKeys } from '../doctor/foreseen-keys.ts'
import type { SubjectStore } from '../doctor/subject.ts'
import type { DoctorView } from '../operations/outlook.ts'
import type { Engine } from '../rotation/engine.ts'
import type { Store } from '../store/store.ts'
import { assembleMaterials } from './materials.ts'

/** What of a running or offline rekeyd the doctor looks at, beside the configuration. */
export interface Examined {
  readonly store: Store
  readonly engine: Engine
  readonly daemon: boolean
  readonly clockDoubt: string | undefined
  readonly newestBackup: number | undefined
}

/**
 * Has the doctor look, with materials of its own: so that they see what the next start would adopt.
 * @param now epoch milliseconds
 * @param running absent before there is a store
 */
export async function examineAll(
  config: Config,
  now: number,
  running?: Examined,
): Promise<DoctorView> {
  const keys = new ForeseenKeys(running?.store.keys)
  const materials = assembleMaterials(config, catalogs, keys).map(({ managed }) => managed)
  const { clockDoubt, newestBackup, engine, daemon = false, store } = running ?? {}
  try {
    await keys.look(materials, now)
    return await examine({
      config,
      materials,
      keys,
      daemon,
      now,
      ...(store && engine && { store: viewOf(store, engine) }),
      ...(clockDoubt !== undefined && { clockDoubt }),
      ...(newestBackup !== undefined && { newestBackup }),
      undisturbed: (name, run) => (engine ? engine.undisturbed(name, run) : run()),
    })
  } finally {
    keys.wipe()
  }
}

function viewOf({ id, keys, schedule, journal }: Store, engine: Engine): SubjectStore {
  const open = new Set(
    journal
      .unfinished()
      .flatMap(({ rotation }) => rotation.changes.map(({ material }) => material)),
  )
  return {
    id,
    knows: (name) => keys.active(name) !== undefined,
    schedule: (name) => schedule.get(name),
    isOpen: (name) => open.has(name) && !engine.isRotating(name),
  }
}
