import type { Schedule } from './schedule.ts'
import type { Window } from './window.ts'

/** A material as the scheduler sees it: everything that decides when, nothing about how. */
export interface ScheduledMaterial {
  readonly name: string
  readonly schedule: Schedule
  /** The schedule as configured, as text: when it differs from the persisted one, due is computed anew. */
  readonly basis: string
  readonly window?: Window
  /** The names of its consumers: materials that share one may share a restart. */
  readonly consumers: readonly string[]
  /** `approval: required`. */
  readonly approval: boolean
  /** How long before it is due the next version is made, for clients to fetch. Milliseconds. */
  readonly announce?: number
  /** Materials that may never rotate together with it: a row in an encrypted database and its key. */
  readonly apart?: readonly string[]
}
