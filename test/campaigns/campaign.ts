import type { PartName } from '../support/parts.ts'

/** A long search for one kind of violation, in random cases that a seed repeats. */
export interface Campaign {
  readonly name: string
  /** Cases in CI: seconds, not minutes. */
  readonly slice: number
  /** The seed of that slice where other seeds still find what is known and open; otherwise a random one. */
  readonly sliceSeed?: number
  /** Cases of `--nightly`. */
  readonly nightly: number
  /** Parts of the system without which CI skips it by name. */
  readonly needs: readonly PartName[]
  /** What can be run alone, as NAME/PART. */
  readonly parts?: Readonly<Record<string, Campaign>>
  /** @throws when the campaign itself cannot run; what it finds goes to `report` */
  run(options: CampaignOptions): Promise<void>
}

export interface CampaignOptions {
  readonly cases: number
  /** The whole number that all randomness of the run comes from. */
  readonly seed: number
  /**
   * Takes one line about something that must not be.
   * @param seed of this case, where `--cases 1` with it repeats the case alone; otherwise that of the run
   */
  readonly report: (violation: string, seed?: number) => void
  /** Takes one line with a figure that was measured. */
  readonly note: (figure: string) => void
}

/** Random numbers that a seed repeats: mulberry32, good enough to choose cases and nothing else. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** @returns a number from 0 up to, but not including, 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** @returns a whole number from 0 up to, but not including, `limit` */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }
}
