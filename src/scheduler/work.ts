import type { Action } from './agenda.ts'
import { backoff } from './backoff.ts'

const minute = 60_000
/** What is no rotation waits up to a day after failures, as something with eight days left. */
const horizon = 8 * 24 * 60 * minute

/** What is under way, and what failed without leaving a trace in the store and so must not be tried at once. */
export class Work {
  readonly #running = new Map<string, Action | 'poll'>()
  readonly #promises = new Set<Promise<void>>()
  readonly #held = new Map<string, { readonly until: number; readonly failures: number }>()

  isBusy(material: string): boolean {
    return this.#running.has(material)
  }

  isRotating(material: string): boolean {
    const action = this.#running.get(material)
    return action === 'rotate' || action === 'end-overlap'
  }

  /** Runs `task` for all `materials`; `done` is called in any case, before `settled` resolves. */
  start(
    materials: readonly string[],
    action: Action | 'poll',
    task: () => Promise<unknown>,
    done: (failed: boolean) => void,
  ): void {
    for (const material of materials) this.#running.set(material, action)
    const end = (failed: boolean) => {
      for (const material of materials) this.#running.delete(material)
      done(failed)
    }
    const promise = Promise.resolve()
      .then(task)
      .then(
        () => end(false),
        () => end(true),
      )
      .finally(() => this.#promises.delete(promise))
    this.#promises.add(promise)
  }

  /** Until when something must wait: a minute after it was done, longer after each failure. */
  hold(key: string, now: number, failed: boolean): void {
    const failures = failed ? (this.#held.get(key)?.failures ?? 0) + 1 : 0
    const wait = failed ? backoff(`${key} ${now}`, failures, horizon) : minute
    this.#held.set(key, { until: now + wait, failures })
  }

  heldUntil(key: string): number {
    return this.#held.get(key)?.until ?? -Infinity
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#promises.size > 0) await Promise.all(this.#promises)
  }
}
