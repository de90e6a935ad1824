import type { Clock } from '../../src/support/clock.ts'
import { systemClock } from '../../src/support/clock.ts'

/** The system's clock, which a test can put forward: whoever sleeps wakes up if the time has come. */
export class SkippingClock implements Clock {
  #skipped = 0
  #skip = new AbortController()

  now(): number {
    return systemClock.now() + this.#skipped
  }

  sinceBoot(): number {
    return systemClock.sinceBoot() + this.#skipped
  }

  sleepUntil(moment: number, signal?: AbortSignal): Promise<void> {
    return this.sleep(moment - this.now(), signal)
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = performance.now() + this.#skipped + milliseconds
    for (;;) {
      const left = end - performance.now() - this.#skipped
      if (left <= 0) return
      const skip = this.#skip.signal
      const either = signal ? AbortSignal.any([signal, skip]) : skip
      await systemClock.sleep(left, either).catch(() => signal?.throwIfAborted())
    }
  }

  /** Puts both clocks forward, as a machine that was suspended. */
  skip(milliseconds: number): void {
    this.#skipped += milliseconds
    const skip = this.#skip
    this.#skip = new AbortController()
    skip.abort()
  }
}
