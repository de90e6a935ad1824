import type { ToldTable } from '../../src/notices/told.ts'

/** What the store would remember, over restarts. */
export class MemoryTold implements ToldTable {
  readonly #rows = new Map<string, { cause: string; channel: string; at: number }>()
  /** Every write fails. */
  isBroken = false

  all() {
    return [...this.#rows.values()]
  }

  note(cause: string, channel: string, at: number): void {
    this.#refuse()
    this.#rows.set(JSON.stringify([cause, channel]), { cause, channel, at })
  }

  forget(cause: string): void {
    this.#refuse()
    for (const [key, row] of this.#rows) if (row.cause === cause) this.#rows.delete(key)
  }

  #refuse(): void {
    if (this.isBroken) throw new Error('no space left')
  }
}
