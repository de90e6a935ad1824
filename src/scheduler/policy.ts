import type { Mode } from '../model/material.ts'
import type { RotationResult, Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'
import { backoff, longestWait } from './backoff.ts'
import { jitter } from './jitter.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

// Due, attempt and suspension are three things. `due` moves only on success, rollback by hand, pause or
// config; `nextAttempt` is when a failed one is tried again; `suspended` stops trying altogether.

const hour = 3_600_000
const day = 24 * hour
/** For what neither expires nor has an interval: makes the longest wait a day. */
const noHorizon = 8 * day
/** So many rollbacks within a day of a material tried alone suspend it: the next try would only be downtime. */
const mostRollbacks = 2

/** How an attempt ended for one material. */
export interface Outcome {
  readonly trigger: Trigger
  readonly result: RotationResult
  readonly detail?: string
  /** It was this material's verifier that said no, or the whole attempt failed. */
  readonly blamed: boolean
  /** No other material took part. */
  readonly alone: boolean
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * The schedule as it stands at start and whenever material, version or configuration changed: computes due
 * where there is none yet, or anew where the configuration it was computed from is another one. A version
 * that has leaked is due, whatever the schedule says.
 * @returns `state` itself when nothing changes
 */
export function settle(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  active: Version | undefined,
  now: number,
): MaterialSchedule {
  const settled = computed(material, state, active, now)
  if (!active?.compromised || (settled.due ?? Infinity) <= now) return settled
  return { ...settled, due: now }
}

function computed(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  active: Version | undefined,
  now: number,
): MaterialSchedule {
  const current = endPause(state, now)
  const known = current.basis === material.basis
  if (!active || (known && current.due !== undefined)) return current
  const due = settledDue(material, current, active, now)
  if (known && due === undefined) return current
  return { ...without(current, 'due', 'approved'), basis: material.basis, ...defined({ due }) }
}

/**
 * What follows from an attempt. To be written in the transaction that ends it.
 * @param active the version in use from now on, also if the store does not call it active yet
 */
export function afterAttempt(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  outcome: Outcome,
  active: Version | undefined,
): MaterialSchedule {
  const applied = outcome.result === 'succeeded' || outcome.result === 'applied_unproved'
  if (outcome.result === 'needs_attention') return afterNeedsAttention(state, outcome)
  if (!replaces(outcome.trigger)) return applied ? without(state, 'attention') : state
  return applied
    ? afterSuccess(material, state, outcome.now, active)
    : afterFailure(material, state, outcome, active)
}

/** A new version is in use: everything starts over. A pause is a person's, and holds. */
function afterSuccess(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  now: number,
  active: Version | undefined,
): MaterialSchedule {
  const next = nextDue(material, now, active)
  // An issuer that hands out what has all but expired would otherwise be asked again at once, for ever.
  const due = next === undefined ? undefined : Math.max(next, now + shortestRest(next, now, active))
  const { seen, paused } = state
  return {
    material: state.material,
    failures: 0,
    rollbacks: [],
    lastAttempt: now,
    lastRotation: now,
    basis: material.basis,
    ...defined({ due, seen, paused }),
  }
}

function afterFailure(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  outcome: Outcome,
  active: Version | undefined,
): MaterialSchedule {
  const { now } = outcome
  const tried = { ...without(state, 'nextAttempt'), lastAttempt: now }
  // Only the one that is to blame waits; the others go again at once, without it.
  if (!outcome.blamed) return tried
  const failures = state.failures + 1
  const wait = backoff(`${material.name} ${now}`, failures, horizonOf(material, now, active))
  const rollbacks = state.rollbacks.filter((moment) => now - moment < day)
  if (outcome.result === 'rolled_back' && outcome.alone) rollbacks.push(now)
  const failed = { ...tried, failures, rollbacks, nextAttempt: now + wait }
  if (state.suspended || rollbacks.length < mostRollbacks) return failed
  const reason = outcome.detail ?? 'rolled back twice within a day'
  return { ...failed, suspended: { since: now, reason } }
}

function afterNeedsAttention(state: MaterialSchedule, outcome: Outcome): MaterialSchedule {
  const attention =
    outcome.detail ?? `a rotation (${outcome.trigger}) could not be brought to an end`
  return { ...state, failures: state.failures + 1, lastAttempt: outcome.now, attention }
}

/** Holds everything until `until`, or until somebody resumes it. */
export function pause(
  state: MaterialSchedule,
  paused: NonNullable<MaterialSchedule['paused']>,
): MaterialSchedule {
  return { ...state, paused }
}

/** Ends pause, suspension and back-off. What fell due meanwhile is due now: the pause does not count as late. */
export function resume(state: MaterialSchedule, now: number): MaterialSchedule {
  const rest = without(state, 'suspended', 'nextAttempt', 'attention')
  const late = state.paused && state.due !== undefined && state.due < now
  return {
    ...without(rest, 'paused'),
    failures: 0,
    rollbacks: [],
    ...(late && carriedTo(rest, now)),
  }
}

/** Lets the rotation that is due, or will be, run without asking again. */
export function approve(state: MaterialSchedule): MaterialSchedule {
  return { ...state, ...defined({ approved: state.due }) }
}

export function needsApproval(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  mode: Mode,
): boolean {
  return (material.approval || mode === 'approve') && state.approved !== state.due
}

export function isPaused(state: MaterialSchedule, now: number): boolean {
  return state.paused !== undefined && (state.paused.until ?? Infinity) > now
}

/** The moment after `moment` at which it is due, jitter included. */
export function nextDue(
  { name, schedule }: ScheduledMaterial,
  moment: number,
  active: Version | undefined,
): number | undefined {
  const next = schedule.nextAfter(moment, active)
  if (next === undefined || !schedule.spread) return next
  return next - jitter(name, next, next - moment)
}

function settledDue(
  material: ScheduledMaterial,
  state: MaterialSchedule,
  active: Version,
  now: number,
): number | undefined {
  const { first, spread } = material.schedule
  const isNew = state.lastRotation === undefined || state.basis !== material.basis
  if (isNew && first !== undefined && first > now) return first
  // An interval counts from the last rotation, or from adoption; a calendar from today.
  const since = state.lastRotation ?? active.activeSince ?? active.createdAt
  return nextDue(material, spread || state.basis === material.basis ? since : now, active)
}

function endPause(state: MaterialSchedule, now: number): MaterialSchedule {
  const until = state.paused?.until
  if (until === undefined || until > now) return state
  const late = state.due !== undefined && state.due < until
  return { ...without(state, 'paused'), ...(late && carriedTo(state, until)) }
}

/** Moves due, and the approval that was given for it. */
function carriedTo(state: MaterialSchedule, due: number): Partial<MaterialSchedule> {
  return {
    due,
    ...(state.approved !== undefined && state.approved === state.due && { approved: due }),
  }
}

/** Announcing, ending an overlap and applying again leave the schedule of the next rotation alone. */
function replaces(trigger: Trigger): boolean {
  return trigger !== 'announce' && trigger !== 'overlap-end' && trigger !== 'apply'
}

/** What the wait after a failure is measured by: the remaining life, else the interval. */
function horizonOf(material: ScheduledMaterial, now: number, active: Version | undefined): number {
  if (active?.notAfter !== undefined) return remainingLife(active.notAfter, now)
  const next = material.schedule.nextAfter(now, active)
  return next === undefined ? noHorizon : next - now
}

/** Once expired it is tried about every hour: it is urgent, but the issuer is not to be hammered. */
function remainingLife(notAfter: number, now: number): number {
  return notAfter > now ? notAfter - now : 8 * hour
}

function shortestRest(next: number, now: number, active: Version | undefined): number {
  if (next > now || active?.notAfter === undefined) return 0
  return longestWait(remainingLife(active.notAfter, now))
}

function without<K extends keyof MaterialSchedule>(
  state: MaterialSchedule,
  ...keys: K[]
): Omit<MaterialSchedule, K> {
  const kept = Object.entries(state).filter(([key]) => !keys.includes(key as K))
  return Object.fromEntries(kept) as Omit<MaterialSchedule, K>
}

/** Leaves out what is undefined: an optional property is absent or set. */
function defined<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const set = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(set) as { [K in keyof T]?: NonNullable<T[K]> }
}
