import type { Clock } from '../../src/support/clock.ts'

/** Never makes anybody wait: sleeping moves the clock to where the sleep ends. */
export class HurryingClock implements Clock {
  #now: number
  #sinceBoot = 3_600_000

  constructor(now: number | string = '2027-01-01T00:00:00Z') {
    this.#now = new Date(now).getTime()
  }

  now(): number {
    return this.#now
  }

  sinceBoot(): number {
    return this.#sinceBoot
  }

  async sleepUntil(moment: number, signal?: AbortSignal): Promise<void> {
    await this.sleep(moment - this.#now, signal)
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.pass(Math.max(0, milliseconds))
    await new Promise((resolve) => setImmediate(resolve))
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds
    this.#sinceBoot += milliseconds
  }
}
