import type { RotationResult, Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { MaterialSchedule, ScheduleState } from '../store/schedule-state.ts'
import type { WalkParts } from './steps.ts'

/** How an attempt ended for one material. */
export interface Outcome {
  readonly material: string
  readonly trigger: Trigger
  readonly result: RotationResult
  readonly detail?: string
  /** It was this material's verifier that said no, or the whole attempt failed. */
  readonly blamed: boolean
  /** No other material took part. */
  readonly alone: boolean
  /** The version in use from now on. */
  readonly active?: Version
  /** Epoch milliseconds. */
  readonly now: number
}

/** Everything the engine is built on. */
export interface EngineParts extends WalkParts {
  readonly schedule: ScheduleState
  /** What follows from an outcome for the schedule; decided by whoever knows the schedules. */
  readonly settle: (outcome: Outcome) => MaterialSchedule
  /** Keeps a public part as a plain file, for those who must verify with it later. */
  readonly archive: (
    material: string,
    version: number,
    part: string,
    bytes: Uint8Array,
  ) => Promise<void>
  /** Identifies the present boot of the machine. */
  readonly bootId: string
}
