import type { Rotation, Trigger } from '../model/rotation.ts'
import type { Actor } from '../store/key-store.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'

/** A rotation that was asked for: its id as soon as it has one, and its end. */
export interface Started {
  readonly begun: Promise<string>
  readonly done: Promise<Rotation>
}

export interface RotationRequest {
  readonly materials: readonly string[]
  readonly trigger: Trigger
  readonly actor: Actor
  /** Whether to queue behind a rotation that is in the way, rather than be told that it is busy. */
  readonly wait: boolean
}

export interface StartOptions {
  /**
   * The store is older than what its marker has seen: nothing is touched, materials wait for `adopt`.
   */
  readonly restored?: boolean
  /** The clock is not trusted yet: first versions are made when they are due, not now. */
  readonly hold?: boolean
}

/** What runs in place of a rotation. `park` is aborted when rekeyd stops. */
export type Undisturbed<T> = (
  parts: EngineParts,
  material: ManagedMaterial,
  park: AbortSignal,
) => Promise<T>
