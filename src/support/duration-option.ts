import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** The option of a duration (`90s 15m 6h 30d 2w`), read as milliseconds. */
export const durationOption = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text)
  if (milliseconds !== undefined) return milliseconds
  context.addIssue({ code: 'custom', message: 'must be a duration such as 90s, 15m or 6h' })
  return z.NEVER
})
