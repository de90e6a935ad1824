/** What a store remembers of the notices that got through. Times are epoch milliseconds. */
export interface ToldTable {
  all(): readonly { readonly cause: string; readonly channel: string; readonly at: number }[]
  note(cause: string, channel: string, at: number): void
  /** On every channel. */
  forget(cause: string): void
}

/**
 * What was told, by cause and channel. The store knows it over restarts; where that cannot be written, this
 * process still does, so that a full disk is not told of every minute.
 */
export class Told {
  readonly #table: ToldTable
  readonly #causes = new Map<string, Map<string, number>>()

  constructor(table: ToldTable) {
    this.#table = table
    for (const { cause, channel, at } of table.all()) this.#remember(cause, channel, at)
  }

  /** When it was told last; undefined for never. */
  at(cause: string, channel: string): number | undefined {
    return this.#causes.get(cause)?.get(channel)
  }

  note(cause: string, channel: string, at: number): void {
    this.#remember(cause, channel, at)
    unlessItFails(() => this.#table.note(cause, channel, at))
  }

  /** Whether anything was told of a cause that begins so. */
  isKnown(start: string): boolean {
    return [...this.#causes.keys()].some((cause) => cause.startsWith(start))
  }

  /** What is over may come again, and is told anew then. @param keep whether to remember a cause all the same */
  forgetAllBut(present: ReadonlySet<string>, keep: (cause: string) => boolean): void {
    for (const cause of this.#causes.keys()) {
      if (present.has(cause) || keep(cause)) continue
      this.#causes.delete(cause)
      unlessItFails(() => this.#table.forget(cause))
    }
  }

  #remember(cause: string, channel: string, at: number): void {
    const channels = this.#causes.get(cause) ?? new Map<string, number>()
    this.#causes.set(cause, channels.set(channel, at))
  }
}

function unlessItFails(write: () => void): void {
  try {
    write()
  } catch {
    // At worst it is told again after a restart. That the store fails is told by those who need it.
  }
}
