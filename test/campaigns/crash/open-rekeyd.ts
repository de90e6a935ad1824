import { join } from 'node:path'
import { assemble } from '../../../src/assembly/assemble.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { Events } from '../../../src/model/events.ts'
import { lockedBy, tryLock } from '../../../src/store/lock.ts'
import { openStore } from '../../../src/store/store.ts'
import { HurryingClock } from '../../fakes/hurrying-clock.ts'

export type OpenRekeyd = Awaited<ReturnType<typeof openRekeyd>>

/** rekeyd on the config in `folder`, put together as the offline CLI does, with its insides in reach. */
export async function openRekeyd(folder: string) {
  // Nobody is there to dwell on.
  const clock = new HurryingClock(Date.now())
  const config = await loadConfig({ path: join(folder, 'rekeyd.yaml'), now: clock.now() })
  const lock = await tryLock(config.stateDir, clock.now())
  if (!lock.held) throw lockedBy(config.stateDir, lock.holder)
  try {
    const { stateDir, storeKey } = config
    const store = await openStore({ stateDir, storeKey, clock })
    const surroundings = { daemon: false, paths: { state_dir: stateDir } }
    const parts = { config, store, clock, events: new Events(), surroundings }
    const assembly = assemble(parts)
    return {
      store,
      operations: assembly.operations,
      recover: () => assembly.recover(),
      async close() {
        await assembly.stop(60_000)
        store.close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}
