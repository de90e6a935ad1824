import type { Events } from '../model/events.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf } from '../support/operator-error.ts'
import { readAddress } from './address.ts'
import { within } from './deliver.ts'
import { askFor } from './post.ts'

/** After a beat that did not get through. Milliseconds. */
const retry = 60_000

export interface HeartbeatOptions {
  readonly url: string | { readonly file: string }
  readonly ca?: string | undefined
  readonly allow_http: boolean
  /** Milliseconds. */
  readonly every: number
}

/** One sign of life. @throws OperatorError when it was not taken */
export async function beat(options: HeartbeatOptions, clock: Clock, signal: AbortSignal) {
  await within(clock, signal, async (limit) =>
    askFor(await readAddress(options), options.ca, limit),
  )
}

/**
 * Asks the address again and again, but only ever after a tick of the scheduler that really ran: when nothing is
 * looked after any more, whoever waits there notices the silence.
 * @returns what ends it
 */
export function startHeartbeat(options: HeartbeatOptions, clock: Clock, events: Events) {
  const stopping = new AbortController()
  let next = -Infinity
  let beating: Promise<void> | undefined
  const attempt = async () => {
    const result = await beat(options, clock, stopping.signal).then(
      () => ({ result: 'delivered' as const }),
      (error: unknown) => ({ result: 'failed' as const, reason: messageOf(error) }),
    )
    beating = undefined
    if (stopping.signal.aborted) return
    if (result.result === 'failed') next = Math.min(next, clock.sinceBoot() + retry)
    events.emit('notice', clock.now(), { channel: 'heartbeat', title: 'a sign of life', ...result })
  }
  const silence = events.on('scheduler.tick', () => {
    if (beating || clock.sinceBoot() < next) return
    next = clock.sinceBoot() + options.every
    beating = attempt()
  })
  return async () => {
    silence()
    stopping.abort()
    await beating
  }
}
