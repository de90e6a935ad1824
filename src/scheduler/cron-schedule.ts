import { z } from 'zod'
import { cronSchema, nextMatch, timezoneSchema } from './cron-expression.ts'
import type { ScheduleType } from './schedule.ts'

const schema = z.strictObject({
  cron: z
    .strictObject({
      at: cronSchema.describe('Cron expression of five fields: minute hour day month weekday.'),
      timezone: timezoneSchema.describe('IANA time zone in which the expression is read.'),
    })
    .refine(({ at, timezone }) => nextMatch(at, timezone, 0) !== undefined, {
      error: 'this date never comes: no calendar has it',
      path: ['at'],
    })
    .describe('Due at fixed times of the calendar.'),
})

/** `{ cron: { at, timezone } }`: at fixed times, without jitter. */
export const cron: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create: ({ cron: { at, timezone } }) => ({
    description: `cron ${at} (${timezone})`,
    nextAfter: (moment) => nextMatch(at, timezone, moment),
  }),
}
