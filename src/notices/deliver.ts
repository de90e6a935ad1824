import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Channel, Tellable } from './channel.ts'

/** For one try. Milliseconds. */
const patience = 15_000

/**
 * Sends one notice, whatever the channel does with its signal: one that hangs is left behind.
 * @throws OperatorError when it did not get through in time
 */
export async function deliver<T extends Tellable>(
  channel: Channel<T>,
  notice: T,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  await within(clock, signal, (limit) => channel.send(notice, limit))
}

/** Runs `work` for at most 15 s. @throws OperatorError when it takes longer, or `signal` ends it */
export async function within(
  clock: Clock,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<void>,
): Promise<void> {
  const limit = new AbortController()
  const done = new AbortController()
  const either = AbortSignal.any([signal, limit.signal])
  const ended = new Promise<never>((_, reject) => {
    either.addEventListener('abort', () => reject(either.reason as Error), { once: true })
  })
  ended.catch(() => {})
  signal.throwIfAborted()
  clock.sleep(patience, done.signal).then(
    () => limit.abort(new OperatorError(`no answer within ${patience / 1000} s`)),
    () => {},
  )
  try {
    await Promise.race([work(either), ended])
  } finally {
    done.abort()
  }
}
