import type { Events } from '../model/events.ts'
import type { StepProgress } from '../model/rotation.ts'

/** What was last heard of the long work of each rotation, until its step has ended. */
export function lastProgress(events: Events) {
  const last = new Map<string, StepProgress>()
  const forget = ({ id }: { readonly id: string }) => void last.delete(id)
  const stops = [
    events.on('rotation.progress', ({ id, step, material, place, doing, done, total, unit }) => {
      last.set(id, { step, material, place, doing, done, total, unit })
    }),
    events.on('rotation.step', forget),
    events.on('rotation.finished', forget),
  ]
  return {
    of: (id: string) => last.get(id),
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}
