/** A moment as people say it: `tonight 03:00`, `tomorrow 14:30`, `Fri 15 Jan 03:00`; without the zone. */
export function spoken(moment: number, now: number, timezone = 'UTC'): string {
  const { day, time, hour } = partsOf(moment, timezone)
  return `${dayOf(moment, now, timezone, hour) ?? day} ${time}`
}

/** From one moment to another: `tonight 03:00–05:00`. */
export function spokenSpan(start: number, end: number, now: number, timezone = 'UTC'): string {
  const [first, last] = [partsOf(start, timezone), partsOf(end, timezone)]
  const isShort = first.day === last.day || end - start <= 12 * 3_600_000
  return `${spoken(start, now, timezone)}–${isShort ? last.time : `${last.day} ${last.time}`}`
}

/** As the CLI writes it: `2027-01-15 03:00Z`. */
export function written(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16).replace('T', ' ')}Z`
}

/** Within a day: today, tonight, tomorrow; the night belongs to the evening before it. */
function dayOf(moment: number, now: number, timezone: string, hour: number): string | undefined {
  const isToday = partsOf(moment, timezone).day === partsOf(now, timezone).day
  const isNext = partsOf(moment - 86_400_000, timezone).day === partsOf(now, timezone).day
  if (isToday) return hour >= 20 || hour < 6 ? 'tonight' : 'today'
  if (!isNext) return undefined
  return hour < 6 ? 'tonight' : 'tomorrow'
}

function partsOf(moment: number, timezone: string) {
  const format = formatOf(timezone)
  const found = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes) => found.get(type) ?? ''
  return {
    day: `${part('weekday')} ${part('day')} ${part('month')}`,
    time: `${part('hour')}:${part('minute')}`,
    hour: Number(part('hour')),
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making one is slow. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  formats.set(timeZone, made)
  return made
}
