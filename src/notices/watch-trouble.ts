import type { Events } from '../model/events.ts'
import type { Trouble } from './outlook.ts'

/** An error of the store is trouble for so long: nothing says when it is over. Milliseconds. */
const storeErrorLasts = 3_600_000

/** Remembers what only events tell. */
export function watchTrouble(events: Events) {
  let clock: string | undefined
  let backup: string | undefined
  let store: { readonly at: number; readonly operation: string } | undefined
  const stops = [
    events.on('clock.suspect', ({ suspect, reason }) => {
      clock = suspect ? (reason ?? 'no reason given') : undefined
    }),
    events.on('backup.finished', (event) => {
      backup = event.ok ? undefined : event.reason
    }),
    events.on('store.error', (error) => {
      store = error
    }),
  ]
  return {
    at: (now: number): Trouble => ({
      ...(clock !== undefined && { clock }),
      ...(backup !== undefined && { backup }),
      ...(store && now - store.at < storeErrorLasts && { store: store.operation }),
    }),
    stop() {
      for (const stop of stops) stop()
    },
  }
}
