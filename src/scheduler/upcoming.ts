import type { Version } from '../model/version.ts'
import { type Action, activeOf, agenda, nextOpen, type Standing } from './agenda.ts'
import { lifetimeOf } from './emergency.ts'
import { nextDue } from './policy.ts'

/** No plan lists more rotations of one material than this. */
const mostRepeats = 100

/** One line of the plan. */
export interface Upcoming {
  /** Epoch milliseconds. */
  readonly at: number
  readonly material: string
  readonly action: Action | 'expires'
  readonly window?: string
  readonly note?: string
}

/** What happens to a material until `end` if every rotation succeeds, earliest first. Pure. */
export function upcoming(standing: Standing, end: number): readonly Upcoming[] {
  const { material, versions, now } = standing
  const present = agenda(standing).filter(({ at }) => at <= end)
  const notAfter = activeOf(versions)?.notAfter
  const lines: Upcoming[] = present.map(({ at, action, window, emergency }) => ({
    at,
    material: material.name,
    action,
    ...(window !== undefined && { window }),
    ...(emergency && { note: 'past the emergency line: no window is waited for' }),
  }))
  const rotation = present.find(({ action }) => action === 'rotate')
  if (rotation) lines.push(...repeats(standing, rotation.at, end))
  else if (notAfter !== undefined && notAfter > now && notAfter <= end) {
    lines.push({ at: notAfter, material: material.name, action: 'expires' })
  }
  return lines.toSorted((one, other) => one.at - other.at)
}

/** The rotations after the first. */
function repeats(standing: Standing, first: number, end: number): readonly Upcoming[] {
  const { material, versions, mode } = standing
  const line = {
    material: material.name,
    action: 'rotate' as const,
    ...(material.window && { window: material.window.name }),
    ...((material.approval || mode === 'approve') && { note: 'needs approval' }),
  }
  const lines: Upcoming[] = []
  let active = activeOf(versions)
  for (let last = first; lines.length < mostRepeats; ) {
    active = renewed(active, last)
    const due = nextDue(material, last, active)
    const at = due === undefined ? Infinity : nextOpen(material, due)
    if (at > end || at <= last) break
    lines.push({ at, ...line })
    last = at
  }
  return lines
}

/** The version that a rotation at `moment` would make, as far as that matters for dates. */
function renewed(version: Version | undefined, moment: number): Version | undefined {
  const lifetime = lifetimeOf(version)
  if (!version || lifetime === undefined) return version
  return { ...version, createdAt: moment, notBefore: moment, notAfter: moment + lifetime }
}
