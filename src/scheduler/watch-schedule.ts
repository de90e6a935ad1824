import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formatDuration } from '../support/duration.ts'
import type { ScheduleType } from './schedule.ts'

const poll = 5 * 60_000

const schema = z.union(
  [
    z.literal('watch').describe('The consumer rotates by itself; rekeyd looks on and counts.'),
    z.strictObject({
      watch: z
        .strictObject({
          expect: durationSchema.describe('How often the consumer is expected to rotate.'),
          grace: durationSchema
            .optional()
            .describe('How late it may be before an alert; by default a tenth of expect.'),
        })
        .describe('The consumer rotates by itself; it is overdue if it does not.'),
    }),
  ],
  { error: 'not a watch: use watch, or watch: { expect: 30d, grace: 3d }' },
)

/** `watch` or `{ watch: { expect, grace? } }`: the consumer rotates, we only look. */
export const watch: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create(options) {
    if (options === 'watch') {
      return { description: 'watched', nextAfter: () => undefined, poll, watches: { grace: 0 } }
    }
    const { expect, grace = expect / 10 } = options.watch
    return {
      description: `watched, expected every ${formatDuration(expect)}`,
      nextAfter: (moment) => moment + expect,
      poll,
      watches: { grace },
    }
  },
}
