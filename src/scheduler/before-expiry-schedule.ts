import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formatDuration } from '../support/duration.ts'
import { lifetimeOf } from './emergency.ts'
import type { ScheduleType } from './schedule.ts'

const schema = z.strictObject({
  before_expiry: durationSchema.describe(
    'How long before the end of validity the next rotation is due, but never more than a third of the lifetime.',
  ),
})

/**
 * `{ before_expiry: 30d }`: at `min(30d, lifetime / 3)` before the end. The life is read from the version, so
 * that a certificate authority that shortens it (CA/B SC-081v3) needs no change here.
 */
export const beforeExpiry: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create: ({ before_expiry: lead }) => ({
    description: `${formatDuration(lead)} before expiry`,
    nextAfter(_moment, active) {
      const lifetime = lifetimeOf(active)
      if (active?.notAfter === undefined || lifetime === undefined) return undefined
      return active.notAfter - Math.min(lead, lifetime / 3)
    },
    spread: true,
    patience: lead,
  }),
}
