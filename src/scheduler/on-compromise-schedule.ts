import { z } from 'zod'
import type { ScheduleType } from './schedule.ts'

const schema = z.literal('on_compromise').describe('Never due by itself, only rotated when asked.')

/** `on_compromise`: rotating costs more than it protects, until it must be. */
export const onCompromise: ScheduleType<z.infer<typeof schema>> = {
  schema,
  create: () => ({ description: 'on compromise', nextAfter: () => undefined }),
}
