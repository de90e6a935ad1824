import type { MaterialState } from '../model/material.ts'
import type { Version } from '../model/version.ts'
import { activeOf, type Standing } from './agenda.ts'
import { emergencyLine, lifetimeOf } from './emergency.ts'
import { isPaused, needsApproval } from './policy.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

/** What an operator is shown, and why where that needs a word. */
export interface Shown {
  readonly state: MaterialState
  readonly reason?: string
}

/** The state of a material as `status` and the metrics show it. Pure. */
export function stateOf(standing: Standing, rotating: boolean): Shown {
  const { state, now } = standing
  if (rotating) return { state: 'rotating' }
  if (state.attention !== undefined) return { state: 'needs_attention', reason: state.attention }
  if (state.paused && isPaused(state, now)) return pausedState(standing, state.paused.reason)
  if (state.suspended) return { state: 'suspended', reason: state.suspended.reason }
  if (state.failures > 0) return { state: 'retrying', reason: `failed ${times(state.failures)}` }
  return state.due !== undefined && state.due <= now ? dueState(standing) : { state: 'idle' }
}

/** A pause holds past the emergency line, too, but not without a word. */
function pausedState({ versions, now }: Standing, reason: string): Shown {
  const isPast = (emergencyLine(activeOf(versions)) ?? Infinity) <= now
  return { state: 'paused', reason: isPast ? `${reason} (past the emergency line)` : reason }
}

function dueState(standing: Standing): Shown {
  const { material, state, versions, mode, now } = standing
  if (material.schedule.watches) {
    return { state: 'due', reason: 'the consumer has not rotated when it was expected to' }
  }
  if (needsApproval(material, state, mode)) return { state: 'awaiting_approval' }
  if (mode === 'observe') return { state: 'due', reason: 'mode is observe: nothing is changed' }
  const line = emergencyLine(activeOf(versions))
  if (line !== undefined && line <= now) {
    return { state: 'due', reason: 'past the emergency line: windows are ignored' }
  }
  return {
    state: 'due',
    ...(material.window && { reason: `waits for window ${material.window.name}` }),
  }
}

/**
 * How long before the end of validity (or, for what does not expire, after it was due) somebody must be
 * told, in milliseconds: one alert rule then serves a certificate of six days and a key of a year.
 * Half of the time that was planned for renewing; for the others the longest wait for a window and an hour.
 */
export function alertLead(
  { schedule, window }: ScheduledMaterial,
  active: Version | undefined,
  now: number,
): number {
  if (schedule.watches) return schedule.watches.grace
  const lifetime = lifetimeOf(active)
  if (lifetime !== undefined) return Math.min(lifetime / 3, schedule.patience ?? Infinity) / 2
  return (window?.longestGap(now) ?? 0) + 3_600_000
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times in a row`
}
