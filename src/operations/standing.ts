import type { MaterialView } from './views.ts'

const hour = 3_600_000

/** As monitoring plugins have it: 0, 1 and 2. */
export type Severity = 'ok' | 'warning' | 'critical'
export const severities: readonly Severity[] = ['ok', 'warning', 'critical']

/** How bad it is about one material, and why. */
export interface Standing {
  readonly severity: Severity
  /** Empty when all is well. */
  readonly problems: readonly string[]
}

/** Judges one material. Pure. @param now epoch milliseconds */
export function standingOf(material: MaterialView, now: number): Standing {
  const critical = criticalProblems(material, now)
  const warnings = warningsOf(material, now)
  return {
    severity: critical.length > 0 ? 'critical' : warnings.length > 0 ? 'warning' : 'ok',
    problems: [...critical, ...warnings],
  }
}

function criticalProblems(material: MaterialView, now: number): string[] {
  const { state, active } = material
  const why = because(material)
  return [
    ...(state === 'needs_attention' ? [`needs attention${why}`] : []),
    ...(state === 'suspended' ? [`suspended${why}`] : []),
    ...(isPast(active?.not_after, now) ? ['expired'] : []),
  ]
}

function warningsOf(material: MaterialView, now: number): string[] {
  const { state, drift } = material
  const why = because(material)
  return [
    ...(state === 'retrying' ? [`retrying${why}`] : []),
    ...(state === 'awaiting_approval' ? [`awaits \`rekeyd approve ${material.name}\``] : []),
    ...(isLate(material, now)
      ? [state === 'paused' ? `due, but paused${why}` : 'due and late']
      : []),
    ...drift.map(({ place, detail }) => `drift at ${place}: ${detail}`),
  ]
}

function because({ reason }: MaterialView): string {
  return reason === undefined ? '' : `: ${reason}`
}

/** A window is waited for: a week is the longest that is common, and a day more is late for anybody. */
function isLate({ state, next_rotation: due, window }: MaterialView, now: number): boolean {
  const patience = window === undefined ? hour : 8 * 24 * hour
  return (state === 'due' || state === 'paused') && isPast(due, now - patience)
}

function isPast(time: string | undefined, now: number): boolean {
  return time !== undefined && Date.parse(time) <= now
}
