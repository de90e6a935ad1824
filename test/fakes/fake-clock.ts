import type { Clock } from '../../src/support/clock.ts'

/** When a sleep ends: at a time of the wall clock, or of the one since boot. */
type End = { readonly wall: number } | { readonly boot: number }

/**
 * A clock moved by hand. Between two wake-ups everything that is runnable without real I/O runs, so that
 * a simulation of years is deterministic and takes seconds.
 */
export class FakeClock implements Clock {
  #wall: number
  #boot: number
  /** The sleeps under way, and what ends them. */
  readonly #sleepers = new Map<End, () => void>()

  /** @param now epoch milliseconds, or anything `Date` reads */
  constructor(now: number | string = '2027-01-01T00:00:00Z', sinceBoot = 3_600_000) {
    this.#wall = new Date(now).getTime()
    this.#boot = sinceBoot
  }

  now(): number {
    return this.#wall
  }

  sinceBoot(): number {
    return this.#boot
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  sleepUntil(moment: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep({ wall: moment }, signal)
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return this.#sleep({ boot: this.#boot + milliseconds }, signal)
  }

  /** Time passes, stopping at every sleeper on the way until what it woke has settled. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#boot + milliseconds
    await settle()
    while (this.#boot < end) {
      const lefts = [...this.#sleepers.keys()].map((sleep) => this.#left(sleep))
      this.#pass(Math.min(end - this.#boot, ...lefts))
      this.#wake()
      await settle()
    }
  }

  /** Time passes until the wall clock shows `moment`. */
  advanceTo(moment: number | string): Promise<void> {
    return this.advance(new Date(moment).getTime() - this.#wall)
  }

  /** Somebody sets the wall clock, forward or back; no time passes. */
  async jump(milliseconds: number): Promise<void> {
    this.#wall += milliseconds
    this.#wake()
    await settle()
  }

  /** The machine sleeps: both clocks go on, but nothing runs before it wakes up. */
  async suspend(milliseconds: number): Promise<void> {
    this.#pass(milliseconds)
    this.#wake()
    await settle()
  }

  /** The machine was off for so long. Whoever sleeps must have been stopped before. */
  reboot(milliseconds: number): void {
    this.#wall += milliseconds
    this.#boot = 0
  }

  #sleep(end: End, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    if (this.#left(end) <= 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#sleepers.delete(end)
        reject(signal?.reason as Error)
      }
      this.#sleepers.set(end, () => {
        this.#sleepers.delete(end)
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  #left(end: End): number {
    return 'wall' in end ? end.wall - this.#wall : end.boot - this.#boot
  }

  #pass(milliseconds: number): void {
    this.#wall += milliseconds
    this.#boot += milliseconds
  }

  #wake(): void {
    for (const [end, wake] of this.#sleepers) if (this.#left(end) <= 0) wake()
  }
}

/** Lets every promise that is already decided run on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
