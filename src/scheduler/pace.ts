/** Three a minute. */
const spacing = 20_000

/**
 * Spreads what a clock jump made due at once: each gets a slot of its own, twenty seconds after the one
 * before. Without a jump, or with the backlog done, nothing waits.
 */
export class Pace {
  readonly #slots = new Map<string, number>()
  #next = -Infinity

  /** The clock has jumped: from now on there are slots. */
  begin(now: number): void {
    this.#slots.clear()
    this.#next = now
  }

  /** When this material may rotate: in the past or now if it may go on. */
  slotOf(material: string, now: number): number {
    const known = this.#slots.get(material)
    if (known !== undefined) return known
    // A whole spacing without anybody waiting: the backlog is done.
    if (this.#next <= now - spacing) this.#next = -Infinity
    if (this.#next === -Infinity) return now
    const slot = Math.max(now, this.#next)
    this.#slots.set(material, slot)
    this.#next = slot + spacing
    return slot
  }

  /** Its turn has come, or it went along with another. */
  used(material: string): void {
    this.#slots.delete(material)
  }
}
