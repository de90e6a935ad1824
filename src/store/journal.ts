import type { Direction, Rotation, RotationResult, StepName, Trigger } from '../model/rotation.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { Version } from '../model/version.ts'
import type { Actor, NewVersion, VersionChange } from './key-store.ts'
import type { MaterialSchedule } from './schedule-state.ts'

/** What a rotation sets out to do. */
export interface Intent {
  readonly trigger: Trigger
  readonly actor: Actor
  readonly members: readonly IntentMember[]
  /** Epoch milliseconds. */
  readonly now: number
}

export interface IntentMember {
  readonly material: string
  readonly from?: number
  /** A version to be made now … */
  readonly make?: NewVersion
  /** … or one that the store has already: announced, or given back. */
  readonly to?: number
  /** `consumer-made`: the observed value before the trigger. */
  readonly observed?: string
}

/** What a target held before, sealed in the journal under rotation, material and target index. */
export interface HeldRecord {
  readonly material: string
  /** Index into the material's targets, as configured when the rotation began. */
  readonly target: number
  /** The place, so that a changed configuration is noticed. */
  readonly place: string
  readonly held: SecretBytes
}

/** How a rotation ended, and everything that changes with it, in one transaction. */
export interface Ending {
  readonly result: RotationResult
  readonly detail?: string
  readonly versions: readonly VersionChange[]
  readonly schedules: readonly MaterialSchedule[]
  readonly now: number
}

/** A rotation that a crash or stop left open. */
export interface Unfinished {
  readonly rotation: Rotation
  readonly held: readonly HeldRecord[]
  readonly observed: Readonly<Record<string, string>>
}

/**
 * The write-ahead journal. `begin`, `hold`, `turn`, `again` and `finish` are durable when they return;
 * `started` and `ended` are written without a sync of their own. Rows are reserved at `begin`, so that
 * the way back needs no space.
 */
export interface Journal {
  /** Stores the new versions as prepared and the intent, in one transaction. */
  begin(intent: Intent): { readonly rotation: Rotation; readonly versions: readonly Version[] }
  started(
    id: string,
    step: StepName,
    subject: string | undefined,
    direction: Direction,
    now: number,
  ): number
  ended(id: string, step: number, outcome: 'done' | 'failed', now: number, detail?: string): void
  /** What stage recorded, before the first activate; replaces what was recorded for the same targets. */
  hold(id: string, held: readonly HeldRecord[]): void
  /**
   * Changes direction, before the first undo, and keeps why.
   * @param blamed the member whose verifier said no
   */
  turn(id: string, direction: Direction, detail: string, blamed?: string): void
  /** Counts a try, before recovery goes on with it. @returns how many there were */
  again(id: string): number
  finish(id: string, ending: Ending): void
  unfinished(): readonly Unfinished[]
  get(id: string): Rotation | undefined
  /** Newest first. */
  history(query: {
    readonly material?: string
    readonly limit: number
    readonly before?: string
  }): readonly Rotation[]
}
