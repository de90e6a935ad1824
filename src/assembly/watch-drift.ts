import type { Events } from '../model/events.ts'
import type { Engine } from '../rotation/engine.ts'
import type { Clock } from '../support/clock.ts'
import type { AssembledMaterial } from './materials.ts'

/** Between two looks at what the targets hold, in milliseconds. */
const driftPause = 15 * 60_000

/** While running, drift only alerts: a person decides between `adopt` and `apply`. */
export async function watchDrift(
  engine: Engine,
  materials: readonly AssembledMaterial[],
  { clock, events }: { readonly clock: Clock; readonly events: Events },
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await clock.sleep(driftPause, stop).catch(() => {})
    for (const { managed } of materials) {
      if (stop.aborted) return
      const isRotating = () => engine.isRotating(managed.name)
      await engine.inspections.glance(managed, isRotating).catch(() => {
        events.emit('store.error', clock.now(), { operation: 'drift' })
      })
    }
  }
}
