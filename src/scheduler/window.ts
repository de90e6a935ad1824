import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formatDuration } from '../support/duration.ts'
import { cronSchema, nextMatch, timezoneSchema } from './cron-expression.ts'
import type { Schedule } from './schedule.ts'

const day = 86_400_000
const year = 366 * day

/** An entry of `windows` in the config. */
export const windowSchema = z
  .strictObject({
    cron: cronSchema.describe('When the window opens: minute hour day month weekday.'),
    duration: durationSchema.describe('How long it stays open.'),
    timezone: timezoneSchema.describe('IANA time zone in which the expression is read.'),
  })
  .describe('When rotations may run.')

/** One time that a window is open. Epoch milliseconds; `end` is no longer inside. */
export interface Occurrence {
  readonly start: number
  readonly end: number
}

/** When a rotation may run. A duration is real time: it is as long on the night of a clock change. */
export class Window {
  readonly name: string
  readonly #cron: string
  readonly #duration: number
  readonly #timezone: string
  #longestGap: number | undefined

  constructor(name: string, options: z.infer<typeof windowSchema>) {
    this.name = name
    this.#cron = options.cron
    this.#duration = options.duration
    this.#timezone = options.timezone
  }

  contains(moment: number): boolean {
    return this.currentOccurrence(moment) !== undefined
  }

  /** The occurrence that is open at `moment`; of several that overlap, the one that opened first. */
  currentOccurrence(moment: number): Occurrence | undefined {
    const start = this.nextStart(moment - this.#duration)
    if (start === undefined || start > moment) return undefined
    return { start, end: start + this.#duration }
  }

  /** When it opens the next time after `moment`; undefined for never. */
  nextStart(after: number): number | undefined {
    return nextMatch(this.#cron, this.#timezone, after)
  }

  /** The first moment from `moment` on at which it is open. */
  nextOpen(moment: number): number | undefined {
    return this.contains(moment) ? moment : this.nextStart(moment)
  }

  /**
   * The longest that it stays closed, judged over the year after `from` (and on to the next opening, so that
   * 29 February counts in full). Infinity if it never opens. Milliseconds.
   */
  longestGap(from: number): number {
    this.#longestGap ??= this.#measureGap(from)
    return this.#longestGap
  }

  #measureGap(from: number): number {
    let longest = 0
    let closed = from
    while (closed < from + year) {
      const open = this.nextOpen(closed)
      if (open === undefined) return Infinity
      longest = Math.max(longest, open - closed)
      const end = this.currentOccurrence(open)?.end ?? open
      // One that opens many times a day is looked at once a day: a year of all of them would take seconds.
      closed = end - closed < day / 4 ? end + day : end
    }
    return longest
  }
}

/**
 * Whether a material with this schedule ever meets this window in time, told when the config is read.
 * @param from any recent moment
 * @returns why not, for the operator; undefined when all is well
 */
export function whyUnsatisfiable(
  window: Window,
  schedule: Schedule,
  from: number,
): string | undefined {
  const gap = window.longestGap(from)
  if (gap === Infinity) return `window ${window.name} never opens: no calendar has that date`
  const { patience } = schedule
  if (patience === undefined || gap <= patience) return undefined
  return `window ${window.name} stays closed for up to ${formatDuration(gap)}, longer than "${schedule.description}" can wait`
}
