import type { Clock } from '../support/clock.ts'
import type { AdminParts } from './admin-app.ts'
import type { Log } from './problem.ts'

const minute = 60_000
/** What each costs, of the time that has passed: ten a minute, and ten at once after a quiet one. */
const cost = minute / 10

/**
 * Counts requests without a valid token. Nothing here keeps anybody from guessing, which 256 bits do by
 * themselves: it tells a client that is set up wrongly to slow down, and keeps the log short. A valid token is
 * never asked to wait, so that nobody can shut others out.
 */
export class FailureLimit {
  readonly #clock: Clock
  readonly #log: Log
  readonly #closing: AbortSignal
  /** A token bucket, in milliseconds. */
  #credit = minute
  #last: number
  #untold = 0
  #telling = false

  constructor({ clock, log, closing }: Pick<AdminParts, 'clock' | 'log' | 'closing'>) {
    this.#clock = clock
    this.#log = log
    this.#closing = closing
    this.#last = clock.sinceBoot()
  }

  /**
   * Takes note of one more.
   * @param peer the address that it came from
   * @returns seconds to wait, where there were too many; else undefined
   */
  failed(peer: string): number | undefined {
    this.#untold += 1
    if (!this.#telling) void this.#tell(peer)
    const now = this.#clock.sinceBoot()
    this.#credit = Math.min(minute, this.#credit + now - this.#last)
    this.#last = now
    if (this.#credit < cost) return Math.ceil((cost - this.#credit) / 1000)
    this.#credit -= cost
    return undefined
  }

  /** A line at once, and then one a minute for as long as there are more. */
  async #tell(peer: string): Promise<void> {
    this.#telling = true
    while (this.#untold > 0 && !this.#closing.aborted) {
      const requests = String(this.#untold)
      this.#untold = 0
      this.#log.warn('requests without a valid API token were refused', { requests, peer })
      await this.#clock.sleep(minute, this.#closing).catch(() => {})
    }
    this.#telling = false
  }
}
