import assert from 'node:assert/strict'
import type { Trial } from './trial.ts'

/** Bytes by which this process may have grown at its peak: what is kept of an answer is far less. */
const mostHeld = 256 * 1024 * 1024
/** For what ends by itself, on a busy machine, in milliseconds. */
const enough = 60_000
/** For what does not end by itself. */
const short = 300

/** What became of a question: its answer, a refusal, or nothing in time. */
export type Asked<T> =
  | { readonly how: 'answered'; readonly value: T }
  | { readonly how: 'refused'; readonly message: string }
  | { readonly how: 'late' }

/**
 * Asks something outside, in the time that a consumer's `timeouts` leave. Whatever is said about it fits into one
 * line of a terminal, and little is kept of what came back.
 * @param ends whether what is asked ends by itself
 * @throws what is no refusal: a crash
 */
export async function askOutside<T>(
  trial: Trial,
  ends: boolean,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<Asked<T>> {
  const signal = AbortSignal.timeout(ends ? enough : short)
  const before = peak()
  try {
    const { refusal, value } = await trial.ask(() => action(signal))
    if (refusal) {
      refuseUnprintable(refusal.message)
      refuseUnprintable(refusal.hint ?? '')
      return { how: 'refused', message: refusal.message }
    }
    return { how: 'answered', value: value }
  } catch (error) {
    if (error === signal.reason) return { how: 'late' }
    throw error
  } finally {
    const held = peak() - before
    assert.ok(held < mostHeld, `${(held / 2 ** 20).toFixed(0)} MiB are held of the answer`)
  }
}

/** @throws when a terminal or a log would take more of it than letters */
export function refuseUnprintable(text: string): void {
  assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\ufffd]/u)
  assert.ok(text.length < 1_000, `a text of ${text.length} characters`)
}

/** The most memory that this process ever had, in bytes. */
function peak(): number {
  return process.resourceUsage().maxRSS * 1_024
}
