import { Cron } from 'croner'
import { z } from 'zod'

/** A parsed expression takes some 84 kB (a table of years): only those used lately are kept. */
const mostParsed = 100
const parsed = new Map<string, Cron>()
const zones = new Set<string>()

/** Five fields or a nickname such as `@monthly`. */
export const cronSchema = z.string().refine((text) => parses(text), {
  error:
    'not a cron expression: use five fields (minute hour day month weekday), "0 3 * * *" is 03:00 every day',
  abort: true,
})

/** An IANA time zone. It has no default: whether a host's own zone was meant nobody can know. */
export const timezoneSchema = z
  .string({ error: 'name a time zone, such as Europe/Berlin or UTC' })
  .refine((text) => isTimezone(text), {
    error: 'not an IANA time zone: use a name such as Europe/Berlin or UTC',
    abort: true,
  })

/**
 * The first time after `moment` at which the expression matches, in whole seconds; undefined for never.
 * A time that the switch to summer time skips comes at the first moment after it; one that the switch back
 * doubles comes once, unless the hour is a wildcard or a step.
 */
export function nextMatch(cron: string, timezone: string, moment: number): number | undefined {
  return parse(cron, timezone).nextRun(new Date(moment))?.getTime()
}

/** croner is used as a parser only: without a function it arms no timer. */
function parse(cron: string, timezone: string): Cron {
  const key = `${timezone} ${cron}`
  const known = parsed.get(key)
  if (known) return known
  const made = new Cron(cron, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard' })
  const oldest = parsed.keys().next().value
  if (parsed.size >= mostParsed && oldest !== undefined) parsed.delete(oldest)
  parsed.set(key, made)
  return made
}

function parses(text: string): boolean {
  try {
    parse(text, 'UTC')
    return true
  } catch {
    return false
  }
}

function isTimezone(text: string): boolean {
  try {
    // Making a formatter is slow, and most configurations name one zone a thousand times.
    if (!zones.has(text)) Intl.DateTimeFormat('en', { timeZone: text })
    zones.add(text)
    return true
  } catch {
    return false
  }
}
