import type { Clock } from '../support/clock.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'

/** One step of a rehearsal. */
export interface RehearsedStep {
  /** As in a rotation where it has that step; `check`, `pair` and `plan` beside. */
  readonly name: string
  /** The place, consumer or verifier. */
  readonly subject?: string
  readonly outcome: 'done' | 'failed' | 'not_exercised'
  /** What was found, why it failed, or why it was left out. */
  readonly detail?: string
  readonly hint?: string
  /** How long it took. */
  readonly seconds?: number
}

/** The steps of a rehearsal as they are taken: one that fails is noted, and the next is taken all the same. */
export class Trail {
  readonly steps: RehearsedStep[] = []
  readonly #clock: Clock
  readonly #signal: AbortSignal

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /**
   * @param run may say what it found
   * @returns whether it was done
   * @throws what the signal was aborted with
   */
  async take(
    name: string,
    subject: string | undefined,
    run: () => Promise<string | undefined>,
  ): Promise<boolean> {
    this.#signal.throwIfAborted()
    const begun = this.#clock.sinceBoot()
    const end = (outcome: 'done' | 'failed', detail?: string, hint?: string) => {
      const seconds = Math.max(0, this.#clock.sinceBoot() - begun) / 1000
      this.#add({ name, subject, outcome, detail, hint, seconds })
    }
    try {
      end('done', await run())
      return true
    } catch (error) {
      this.#signal.throwIfAborted()
      end('failed', messageOf(error), error instanceof OperatorError ? error.hint : undefined)
      return false
    }
  }

  leaveOut(name: string, subject: string | undefined, detail: string): void {
    this.#add({ name, subject, outcome: 'not_exercised', detail })
  }

  #add(step: { [K in keyof RehearsedStep]: RehearsedStep[K] | undefined }): void {
    const known = Object.entries(step).filter(([, value]) => value !== undefined)
    this.steps.push(Object.fromEntries(known) as unknown as RehearsedStep)
  }
}
