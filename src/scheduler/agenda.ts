import type { Mode } from '../model/material.ts'
import type { Version } from '../model/version.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'
import { emergencyLine } from './emergency.ts'
import { isPaused, needsApproval } from './policy.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

const day = 86_400_000

export type Action = 'rotate' | 'announce' | 'end-overlap' | 'destroy'

/** Something to be done, from `at` on (epoch milliseconds). */
export interface Item {
  readonly at: number
  readonly material: string
  readonly action: Action
  /** Which version ends its overlap or is destroyed. */
  readonly version?: number
  /** The window it waits for or runs in. */
  readonly window?: string
  /** Past the emergency line: no window is waited for. */
  readonly emergency?: boolean
}

/** Everything about one material that decides what it does next. */
export interface Standing {
  readonly material: ScheduledMaterial
  readonly state: MaterialSchedule
  /** All its versions, in any order. */
  readonly versions: readonly Version[]
  readonly mode: Mode
  /** Epoch milliseconds. Nothing on the agenda is earlier: what was missed is done once, and now. */
  readonly now: number
  /** By how much what ends may be further away than the clock says. Milliseconds. */
  readonly doubt: number
}

/** What there is to do for a material if nothing happens before. Pure. */
export function agenda(standing: Standing): readonly Item[] {
  const { state, mode, now } = standing
  const indefinitely = state.paused !== undefined && state.paused.until === undefined
  if (mode === 'observe' || indefinitely) return []
  const from = isPaused(state, now) ? (state.paused?.until ?? now) : now
  // What a person is needed for may be what a withdrawn version is needed for.
  if (state.attention !== undefined) return []
  const items = [...destructions(standing, from), ...attempts(standing, from)]
  return items.map((item) => ({ ...item, material: standing.material.name }))
}

/** The version in use, if there is one. */
export function activeOf(versions: readonly Version[]): Version | undefined {
  return versions.find(({ state }) => state === 'active')
}

type Draft = Omit<Item, 'material'>

function attempts(standing: Standing, from: number): readonly Draft[] {
  const { material, state } = standing
  const ends = overlapEnds(standing, from)
  if (state.due === undefined || material.schedule.watches) return ends
  const rotation = rotationOf(standing, state.due, from)
  return [...ends, ...announcement(standing, state.due, from), ...(rotation ? [rotation] : [])]
}

function rotationOf(standing: Standing, due: number, from: number): Draft | undefined {
  const { material, state, versions } = standing
  if (waitsForApproval(standing)) return undefined
  const line = emergencyLine(activeOf(versions)) ?? Infinity
  const ready = Math.max(from, due)
  if (state.suspended) {
    const at = Math.max(ready, line, (state.lastAttempt ?? -Infinity) + day)
    return at === Infinity ? undefined : { at, action: 'rotate', emergency: true }
  }
  const retry = Math.max(ready, state.nextAttempt ?? -Infinity)
  const open = nextOpen(material, retry)
  const urgent = Math.max(retry, line)
  if (urgent < open) return { at: urgent, action: 'rotate', emergency: true }
  return open === Infinity ? undefined : { at: open, action: 'rotate', ...inWindow(material) }
}

/** Whoever said that a version has leaked has also said that it is to go. */
function waitsForApproval({ material, state, versions, mode }: Standing): boolean {
  return needsApproval(material, state, mode) && activeOf(versions)?.compromised !== true
}

function announcement(standing: Standing, due: number, from: number): readonly Draft[] {
  const { material, state, versions } = standing
  const isThere = versions.some((version) => version.state === 'prepared')
  if (material.announce === undefined || isThere || state.suspended) return []
  return [{ at: Math.max(from, due - material.announce), action: 'announce' }]
}

/** Ending an overlap touches the consumer, so it keeps to the window; not where what clients still use has leaked. */
function overlapEnds({ material, versions, doubt }: Standing, from: number): readonly Draft[] {
  return versions.flatMap(({ state, overlapUntil, number, compromised }): readonly Draft[] => {
    if (state !== 'retiring' || overlapUntil === undefined) return []
    const ending = { action: 'end-overlap' as const, version: number }
    if (compromised) return [{ ...ending, at: from, emergency: true }]
    const at = nextOpen(material, Math.max(from, overlapUntil + doubt))
    if (at === Infinity) return []
    return [{ ...ending, at, ...inWindow(material) }]
  })
}

function destructions({ versions, doubt }: Standing, from: number): readonly Draft[] {
  return versions.flatMap(({ state, keepUntil, number }) =>
    state === 'withdrawn' && keepUntil !== undefined
      ? [{ at: Math.max(from, keepUntil + doubt), action: 'destroy' as const, version: number }]
      : [],
  )
}

/** The first moment from `moment` on at which its window lets it run; Infinity for never. */
export function nextOpen({ window }: ScheduledMaterial, moment: number): number {
  return window ? (window.nextOpen(moment) ?? Infinity) : moment
}

function inWindow({ window }: ScheduledMaterial): { readonly window?: string } {
  return window ? { window: window.name } : {}
}
