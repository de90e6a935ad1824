import { z } from 'zod'
import { beforeExpiry } from './before-expiry-schedule.ts'
import { cron } from './cron-schedule.ts'
import { every } from './every-schedule.ts'
import { onChange } from './on-change-schedule.ts'
import { onCompromise } from './on-compromise-schedule.ts'
import type { Schedule, ScheduleType } from './schedule.ts'
import { watch } from './watch-schedule.ts'

/** Every schedule, by the name the config uses. */
export const schedules = {
  every,
  cron,
  before_expiry: beforeExpiry,
  on_change: onChange,
  on_compromise: onCompromise,
  watch,
} satisfies Record<string, ScheduleType<unknown>>

type ScheduleName = keyof typeof schedules

const forms = z.union([
  every.schema,
  cron.schema,
  beforeExpiry.schema,
  onChange.schema,
  onCompromise.schema,
  watch.schema,
])

/** The value of `rotate`, parsed: what {@link createSchedule} takes. */
export type Rotate = z.infer<typeof forms>

/** The value of `rotate`. An error is about the form that was meant, at its own path, not about all forms. */
export const rotateSchema = z
  .preprocess((input, context) => {
    const name = nameOf(input)
    const issues = name ? schedules[name].schema.safeParse(input).error?.issues : [noSchedule]
    if (!issues) return input
    context.issues.push(...issues.map((issue) => ({ ...stopping(issue), input }) as RawIssue))
    return z.NEVER
  }, forms)
  .describe('When the next rotation is due.')

type RawIssue = z.core.$ZodRawIssue

const noSchedule: z.core.$ZodIssue = {
  code: 'custom',
  path: [],
  message: `not a schedule: use one of ${Object.keys(schedules).join(', ')}`,
}

/** zod goes on after an unrecognized key, to the union of all forms, which then forgets the issue. */
function stopping(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'unrecognized_keys') return issue
  const [key = ''] = issue.keys
  return { code: 'custom', path: [...issue.path, key], message: `unknown key "${key}"` }
}

/** Makes the schedule that a parsed `rotate` asks for. */
export function createSchedule(rotate: Rotate): Schedule {
  const name = nameOf(rotate)
  if (!name) throw new RangeError('a schedule that the catalog does not have')
  const type: ScheduleType<unknown> = schedules[name]
  return type.create(rotate)
}

/** A bare word, or the first key that names a schedule. */
function nameOf(input: unknown): ScheduleName | undefined {
  const words = typeof input === 'string' ? [input] : Object.keys(Object(input) as object)
  return words.find((word): word is ScheduleName => Object.hasOwn(schedules, word))
}
