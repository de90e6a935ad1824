import { z } from 'zod'
import { parseDuration } from '../support/duration.ts'

/** `90s 15m 6h 30d 2w` as config and API write it; parses to milliseconds, never 0. */
export const durationSchema = z
  .string({ error: 'not a duration: use 90s 15m 6h 30d 2w' })
  .regex(/^[1-9]\d{0,8}[smhdw]$/, { error: 'not a duration: use 90s 15m 6h 30d 2w', abort: true })
  .transform((text, context) => {
    const milliseconds = parseDuration(text)
    if (milliseconds !== undefined) return milliseconds
    context.addIssue('not a duration: use 90s 15m 6h 30d 2w')
    return z.NEVER
  })
