import type { Actor } from './key-store.ts'

/** What is remembered about the schedule of one material. Times are epoch milliseconds. */
export interface MaterialSchedule {
  readonly material: string
  /** When the next rotation is due; moves only on success, rollback by hand, pause or config. */
  readonly due?: number
  /** When it is tried next, after failures. */
  readonly nextAttempt?: number
  /** Consecutive failures. */
  readonly failures: number
  /** When it was rolled back while tried alone, within the last day. */
  readonly rollbacks: readonly number[]
  readonly lastAttempt?: number
  readonly lastRotation?: number
  readonly suspended?: { readonly since: number; readonly reason: string }
  readonly paused?: { readonly until?: number; readonly reason: string; readonly who: string }
  /** Why a person is needed. */
  readonly attention?: string
  /** `approve`: the due moment that was approved. */
  readonly approved?: number
  /** The version that its targets were last seen to hold, and in which boot of the machine. */
  readonly seen?: { readonly version: number; readonly bootId: string }
  /** The schedule as configured when `due` was computed: a change computes it anew. */
  readonly basis?: string
}

/** The clock as it was last believed. */
export interface AcceptedClock {
  readonly wall: number
  readonly sinceBoot: number
  readonly bootId: string
  /** Milliseconds that it jumped forward without having been synchronised since. */
  readonly doubt?: number
}

/** Persisted over restarts; synchronous. */
export interface ScheduleState {
  /** Never fails for an unknown name: gives a blank record. */
  get(material: string): MaterialSchedule
  all(): readonly MaterialSchedule[]
  /** With an actor (pause, resume, approve …) the change has an audit row that says `action`. */
  set(state: MaterialSchedule, actor?: Actor, action?: string): void
  accepted(): AcceptedClock | undefined
  accept(clock: AcceptedClock): void
}
