import { type Html, html } from './html.ts'

const minute = 60_000
const units = [
  ['day', 24 * 60 * minute],
  ['hour', 60 * minute],
  ['minute', minute],
] as const

const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** A moment in both forms, relative and absolute (UTC, to the minute). @param now epoch milliseconds */
export function momentOf(time: string, now: number): Html {
  return html`<time datetime="${toSecond(time)}">${relative(time, now)}<i>${absolute(time)}</i></time>`
}

/** A moment within a sentence: relative, and absolute behind it. */
export function inlineMoment(time: string, now: number): Html {
  return html`<time datetime="${toSecond(time)}">${relative(time, now)} (${absolute(time)})</time>`
}

/** `2027-01-15 03:00`, UTC. */
export function absolute(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

/** `in 34 days`, `2 hours ago`, `now`: the largest unit of which there are two. */
function relative(time: string, now: number): string {
  const away = Date.parse(time) - now
  const unit = units.find(([, size]) => Math.abs(away) >= 2 * size)
  if (!unit) return Math.abs(away) < minute ? 'now' : words.format(Math.sign(away), 'minute')
  const [name, size] = unit
  return words.format(Math.trunc(away / size), name)
}

function toSecond(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z')
}
