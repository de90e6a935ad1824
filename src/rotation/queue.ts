import { OperatorError } from '../support/operator-error.ts'

/**
 * Lets rotations run side by side unless they share a material, a consumer or a place. First come, first
 * served; a bad consumer holds up only those who share something with it.
 */
export class Queue {
  readonly #running = new Set<readonly string[]>()
  readonly #waiting: { readonly claims: readonly string[]; readonly start: () => void }[] = []

  /** Whether somebody holds this claim now. */
  holds(claim: string): boolean {
    return [...this.#running].some((claims) => claims.includes(claim))
  }

  /** Runs `task` as soon as none of the claims is held. */
  async run<T>(claims: readonly string[], task: () => Promise<T>): Promise<T> {
    if (!this.#free(claims)) {
      await new Promise<void>((start) => void this.#waiting.push({ claims, start }))
    }
    this.#running.add(claims)
    try {
      return await task()
    } finally {
      this.#running.delete(claims)
      this.#wake()
    }
  }

  /**
   * As {@link Queue.run}, for somebody who would rather be told than wait.
   * @throws OperatorError `busy`
   */
  async runNow<T>(claims: readonly string[], task: () => Promise<T>): Promise<T> {
    const held = claims.find((claim) => !this.#free([claim]))
    if (held !== undefined) {
      throw new OperatorError(`${held} is in the middle of another rotation`, {
        kind: 'busy',
        hint: 'wait until `rekeyd status` shows it idle, and try again',
      })
    }
    return this.run(claims, task)
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await this.run([...this.#running].flat(), async () => {})
  }

  #free(claims: readonly string[]): boolean {
    const taken = [...this.#running, ...this.#waiting.map((waiter) => waiter.claims)].flat()
    return !claims.some((claim) => taken.includes(claim))
  }

  /** Starts, in order, everybody whose claims are free of those who run and those who came earlier. */
  #wake(): void {
    const ahead: string[] = [...this.#running].flat()
    for (const waiter of this.#waiting.slice()) {
      const ready = !waiter.claims.some((claim) => ahead.includes(claim))
      ahead.push(...waiter.claims)
      if (!ready) continue
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
      this.#running.add(waiter.claims)
      waiter.start()
    }
  }
}
