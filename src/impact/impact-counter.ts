import type { ImpactCount } from '../model/impact.ts'
import type { Clock } from '../support/clock.ts'
import { formatDuration } from '../support/duration.ts'
import { messageOf } from '../support/operator-error.ts'
import { countClients, type EditionOf } from './count-clients.ts'
import type { CountedImpact } from './impact-options.ts'

/** Somebody waits for it, and the database is read meanwhile. Milliseconds. */
const patience = 5_000
/** For how long a number is not asked for again, in milliseconds. */
const fresh = 10_000

/**
 * Counts whom a rotation hits. Never fails: that it could not be counted is an answer, too. Whoever asks at
 * the same time, or soon after, gets the same one.
 * @param limit milliseconds that a count may take
 */
export function impactCounter(
  { count: source, unit }: CountedImpact,
  editionOf: EditionOf,
  clock: Pick<Clock, 'sinceBoot'>,
  limit = patience,
): () => Promise<ImpactCount> {
  let last: { readonly at: number; readonly answer: Promise<ImpactCount> } | undefined
  return () => {
    const now = clock.sinceBoot()
    if (!last || now - last.at >= fresh) last = { at: now, answer: ask() }
    return last.answer
  }

  async function ask(): Promise<ImpactCount> {
    const signal = AbortSignal.timeout(limit)
    try {
      return { unit, count: await countClients(source, editionOf, signal) }
    } catch (error) {
      const late = `no answer within ${formatDuration(limit)}`
      return { unit, problem: signal.aborted ? late : messageOf(error) }
    }
  }
}
