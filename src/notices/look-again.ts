import type { EventName, Events } from '../model/events.ts'
import type { Clock } from '../support/clock.ts'

/** Much tends to happen at once: one look for all of it. Milliseconds. */
const settle = 3_000

export interface Occasions {
  readonly events: Events
  readonly clock: Clock
  /** What may change what there is to tell. */
  readonly telling: readonly EventName[]
  /** Between two looks when nothing happens. Milliseconds. */
  readonly every: number
}

/** Looks soon after each event and now and then, until `signal`. */
export async function lookAgain(
  { events, clock, telling, every }: Occasions,
  signal: AbortSignal,
  look: () => void,
): Promise<void> {
  let interrupt = new AbortController()
  const wake = () => interrupt.abort()
  const deaf = telling.map((type) => events.on(type, wake))
  signal.addEventListener('abort', wake, { once: true })
  while (!signal.aborted) {
    await clock.sleep(settle, signal).catch(() => {})
    interrupt = new AbortController()
    if (signal.aborted) break
    look()
    await clock.sleep(every, interrupt.signal).catch(() => {})
  }
  for (const stop of deaf) stop()
}
