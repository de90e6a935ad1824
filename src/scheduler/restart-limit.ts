import type { Events } from '../model/events.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

/** How soon to look again when only what is still under way may use up the rest. */
const soon = 30_000

/** Counts what consumers go through, so that no window brings them more than `max_restarts`. */
export class RestartLimit {
  readonly #most: ReadonlyMap<string, number>
  readonly #restarts = new Map<string, number[]>()
  readonly #underWay = new Map<string, number>()
  readonly stop: () => void

  /** @param most `max_restarts` by consumer; a consumer that is not listed has no limit */
  constructor(most: ReadonlyMap<string, number>, events: Events) {
    this.#most = most
    this.stop = events.on('consumer.restarted', ({ consumer, at }) => {
      const limit = most.get(consumer)
      if (limit === undefined) return
      this.#restarts.set(consumer, [...(this.#restarts.get(consumer) ?? []), at].slice(-limit))
    })
  }

  /** Something begins (1) that may restart these consumers, or has ended (-1). */
  note(consumers: readonly string[], change: 1 | -1): void {
    for (const consumer of consumers) {
      this.#underWay.set(consumer, (this.#underWay.get(consumer) ?? 0) + change)
    }
  }

  /**
   * Until when this material has to wait because a consumer has had enough: the end of the window's present
   * occurrence. Undefined when it may go on. Outside windows nothing is limited.
   */
  heldUntil({ window, consumers }: ScheduledMaterial, now: number): number | undefined {
    const occurrence = consumers.length > 0 ? window?.currentOccurrence(now) : undefined
    if (!occurrence) return undefined
    const left = Math.min(...consumers.map((consumer) => this.#left(consumer, occurrence.start)))
    if (left <= 0) return occurrence.end
    const underWay = Math.max(...consumers.map((consumer) => this.#underWay.get(consumer) ?? 0))
    return underWay >= left ? now + soon : undefined
  }

  #left(consumer: string, since: number): number {
    const restarts = this.#restarts.get(consumer)?.filter((at) => at >= since) ?? []
    return (this.#most.get(consumer) ?? Infinity) - restarts.length
  }
}
