import type { z } from 'zod'
import type { Version } from '../model/version.ts'

/** When the next rotation is due. Pure: a date, not a poll. Times and spans are milliseconds. */
export interface Schedule {
  /** For `status`: `every 30d`, `30d before expiry`, … */
  readonly description: string
  /**
   * The next due moment after `moment` (epoch milliseconds), given the version that is then active;
   * undefined when it is never due by itself. In the past when it has been due for a while already.
   */
  nextAfter(moment: number, active: Version | undefined): number | undefined
  /** Takes the place of `nextAfter` the first time, as long as it lies ahead. */
  readonly first?: number
  /** Whether jitter may bring the moment forward a little: not where the operator named the moment. */
  readonly spread?: boolean
  /** The longest it can wait for a window and still do what it promises. */
  readonly patience?: number
  /** How often to ask the kind whether something changed (`on_change`, `watch`). */
  readonly poll?: number
  /** The date says when the consumer is expected to have rotated, and how late it may be: rekeyd never does. */
  readonly watches?: { readonly grace: number }
}

/** An entry of the catalog. */
export interface ScheduleType<Options> {
  /** A strict zod schema of the whole value of `rotate`, each key with a description. */
  readonly schema: z.ZodType<Options>
  create(options: Options): Schedule
}
