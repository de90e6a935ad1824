import type { Events } from '../model/events.ts'
import type { Mode } from '../model/material.ts'
import type { Version } from '../model/version.ts'
import type { ScheduleState } from '../store/schedule-state.ts'
import type { Clock } from '../support/clock.ts'
import type { ClockGuard } from './clock-guard.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

/** Everything the scheduler is built on. */
export interface SchedulerParts {
  readonly clock: Clock
  readonly guard: ClockGuard
  readonly state: ScheduleState
  readonly versions: { list(material: string): readonly Version[] }
  readonly perform: Perform
  readonly events: Events
  readonly materials: readonly ScheduledMaterial[]
  readonly mode: Mode
  /** `max_restarts` by consumer; one that is not listed has no limit. */
  readonly maxRestarts?: ReadonlyMap<string, number>
  /** The longest time between two ticks (ms): a watchdog waits for it, and it notices when the clock jumps. */
  readonly tick?: number
}

/**
 * What the scheduler asks for when it is time. Each call is queued per consumer by whoever does it, so that
 * one that hangs delays no other. Rejecting means that nothing could be recorded: it is tried again later.
 */
export interface Perform {
  /**
   * One rotation of all these materials. Its outcome is written to their schedules (by `afterAttempt`) in the
   * transaction that ends it; resolves after that, whatever the result.
   */
  rotate(materials: readonly string[]): Promise<unknown>
  /** Makes the next version, for clients to fetch, without using it. */
  announce(material: string): Promise<unknown>
  /** Ends the overlap of a retiring version. */
  endOverlap(material: string, version: number): Promise<unknown>
  /** Destroys a withdrawn version whose time is over. */
  destroy(material: string, version: number): Promise<unknown>
  /**
   * `on_change`: whether the issuer has something new. `watch`: whether the consumer uses something new, which
   * is recorded as a version then. Throws when it could not tell.
   */
  changed(material: string): Promise<boolean>
}
