import { z } from 'zod'
import type { ScheduleType } from './schedule.ts'

const schema = z.literal('on_change').describe('Due as soon as the issuer has something new.')

/** `on_change`: somebody else renews; the issuer is asked, in case its hook did not tell us. */
export const onChange: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create: () => ({
    description: 'on change',
    nextAfter: () => undefined,
    poll: 5 * 60_000,
  }),
}
