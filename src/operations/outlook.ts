import type { Verb } from '../consumers/consumer.ts'
import type { Remark } from '../model/remark.ts'
import type { RehearsedStep } from '../rotation/trail.ts'

// What is told before a rotation, as JSON: like the views of views.ts.

/** What a rotation does to one consumer. */
export interface Disturbance {
  readonly consumer: string
  readonly verb: Verb
  /** For how long it was down in its last rotations, in the middle; absent where there was none. */
  readonly usual_seconds?: number
  /** After how long it counts as failed; absent where it keeps running. Changing a database comes on top. */
  readonly at_most_seconds?: number
}

/** What `rotate --rehearse` answers. */
export interface RehearsalView {
  readonly schema_version: 1
  readonly material: string
  /** Whether nothing that was tried failed. */
  readonly ok: boolean
  readonly steps: readonly RehearsedStep[]
}

/** One thing that `doctor` looked at. */
export interface DoctorFinding extends Remark {
  readonly material?: string
  readonly consumer?: string
}

/** What `doctor` answers. */
export interface DoctorView {
  readonly schema_version: 1
  /** Whether no rotation would fail by what was found. */
  readonly ok: boolean
  /** Whose permissions were tried, and whether that was the daemon. */
  readonly user: string
  readonly daemon: boolean
  /** The worst first. */
  readonly findings: readonly DoctorFinding[]
}
