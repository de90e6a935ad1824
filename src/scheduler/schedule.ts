import type { z } from 'zod'
import type { Version } from '../model/version.ts'

/** When the next rotation is due. Pure: a date, not a poll. */
export interface Schedule {
  /** For `status`: `every 30d`, `30d before expiry`, … */
  readonly description: string
  /**
   * The next due moment after `moment` (epoch milliseconds), given the version that is then active;
   * undefined when it is never due by itself.
   */
  nextAfter(moment: number, active: Version | undefined): number | undefined
  /** How often to ask the kind whether something changed (`on_change`, `watch`), in milliseconds. */
  readonly poll?: number
}

/** An entry of the catalog. */
export interface ScheduleType<Options> {
  /** A strict zod schema, each key with a description. */
  readonly schema: z.ZodType<Options>
  create(options: Options): Schedule
}
