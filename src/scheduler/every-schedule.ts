import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formatDuration } from '../support/duration.ts'
import type { ScheduleType } from './schedule.ts'

const format = 'not a date: use 2027-01-15, or with a time 2027-01-15T03:00:00Z'

const schema = z.strictObject({
  every: durationSchema.describe('How long after the last rotation the next one is due.'),
  first: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], { error: format })
    .transform((text) => Date.parse(text))
    .optional()
    .describe(
      'When the first rotation is due (a date is midnight UTC), instead of one interval after adoption.',
    ),
})

/** `{ every: 30d, first?: 2027-01-15 }`: so long after the last one that succeeded. */
export const every: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create: ({ every, first }) => ({
    description: `every ${formatDuration(every)}`,
    nextAfter: (moment) => moment + every,
    spread: true,
    patience: every,
    ...(first !== undefined && { first }),
  }),
}
