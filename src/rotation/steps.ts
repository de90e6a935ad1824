import type { Events } from '../model/events.ts'
import type { Direction, StepName } from '../model/rotation.ts'
import type { Journal } from '../store/journal.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf } from '../support/operator-error.ts'

/** What every walk needs of the rest of rekeyd. */
export interface WalkParts {
  readonly keys: KeyStore
  readonly journal: Journal
  readonly clock: Clock
  readonly events: Events
}

/** Takes steps of one rotation, each journaled before it acts and again when it ended. */
export class Steps {
  readonly #parts: WalkParts
  readonly #id: string
  readonly #permit: () => void
  readonly #taken = new Set<string>()
  direction: Direction = 'forward'

  /** @param permit asked before each step forward; throws where it must not be taken any more */
  constructor(parts: WalkParts, id: string, permit: () => void = () => {}) {
    this.#parts = parts
    this.#id = id
    this.#permit = permit
  }

  /** Whether the step was begun, in either direction. */
  begun(name: StepName, subject?: string): boolean {
    return this.#taken.has(key(name, subject))
  }

  /** Remembers steps that an earlier try of the same rotation began. */
  recall(steps: readonly { readonly name: StepName; readonly subject?: string }[]): void {
    for (const step of steps) this.#taken.add(key(step.name, step.subject))
  }

  /** Runs one step. Its error is journaled, not changed. */
  async take<T>(name: StepName, subject: string | undefined, run: () => Promise<T>): Promise<T> {
    const { journal, clock } = this.#parts
    if (this.direction === 'forward') this.#permit()
    const started = clock.now()
    const waits = this.direction === 'forward' && name !== 'resume'
    const begin = () => journal.started(this.#id, name, subject, this.direction, started)
    const row = this.#write(begin, waits)
    this.#taken.add(key(name, subject))
    try {
      const result = await run()
      this.#end(name, row, 'done', started)
      return result
    } catch (error) {
      this.#end(name, row, 'failed', started, messageOf(error))
      throw error
    }
  }

  #end(
    name: StepName,
    row: number | undefined,
    outcome: 'done' | 'failed',
    started: number,
    detail?: string,
  ): void {
    const { journal, clock, events } = this.#parts
    const now = clock.now()
    if (row !== undefined) {
      this.#write(() => journal.ended(this.#id, row, outcome, now, detail), false)
    }
    const seconds = Math.max(0, now - started) / 1000
    events.emit('rotation.step', now, { id: this.#id, step: name, seconds, outcome })
  }

  /**
   * The way forward waits for the journal. Resuming and the way back never do: a full disk must not keep
   * a consumer down.
   */
  #write<T>(write: () => T, waits: boolean): T | undefined {
    try {
      return write()
    } catch (error) {
      if (waits) throw error
      const { clock, events } = this.#parts
      events.emit('store.error', clock.now(), { operation: 'journal step' })
      return undefined
    }
  }
}

function key(name: StepName, subject: string | undefined): string {
  return `${name} ${subject ?? ''}`
}
