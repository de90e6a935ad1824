import type { Events } from '../model/events.ts'

/** The names may be others once the config was read again. */
export function onReload(events: Events, declare: () => void) {
  return events.on('config.reloaded', ({ ok }) => {
    if (ok) declare()
  })
}
