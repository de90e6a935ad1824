import { formatDuration } from '../../support/duration.ts'

/** `2027-01-15 03:00Z`: UTC, to the minute. @param time RFC 3339 */
export function absolute(time: string): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`
}

/** `in 34d` or `2h ago`. @param now epoch milliseconds */
export function relative(time: string, now: number): string {
  const left = Date.parse(time) - now
  if (Math.abs(left) < 1000) return 'now'
  return left > 0 ? `in ${formatDuration(left)}` : `${formatDuration(-left)} ago`
}

/** Both: `in 34d, 2027-01-15 03:00Z`. What is not known is never shown as a time. */
export function moment(time: string | undefined, now: number, unknown = 'unknown'): string {
  return time === undefined ? unknown : `${relative(time, now)}, ${absolute(time)}`
}
