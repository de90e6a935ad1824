import type { Consumer, Verb } from '../consumers/consumer.ts'
import type { Kind, MadeByConsumer, MadeHere } from '../materials/kind.ts'
import type { Target } from '../targets/target.ts'
import type { Verifier } from '../verifiers/verifier.ts'

/** A material as the engine sees it: everything already made from the configuration. Times in milliseconds. */
export interface ManagedMaterial<K extends Kind = Kind> {
  readonly name: string
  readonly kind: K
  readonly targets: readonly Target[]
  /** In the order in which they are resumed. */
  readonly consumers: readonly ManagedConsumer[]
  readonly verifiers: readonly Verifier[]
  /** How long clients may still use the previous version; 0 for not at all. */
  readonly overlap: number
  /** How long rekeyd can still give a previous version back. */
  readonly keep: number
  readonly onMissing: 'refuse' | 'create'
  /** `compromise`: what to do when the new version cannot be proved. */
  readonly onFailure: 'stay-down' | 'old'
  /**
   * Asked before anything is made or changed.
   * @throws OperatorError `refused` where this is not for one host to decide, with what to do by hand
   */
  readonly permit?: () => Promise<void>
}

export interface ManagedConsumer {
  readonly name: string
  readonly consumer: Consumer
  /** The least verb; a stronger one is taken when a changed target needs it. */
  readonly apply: Verb
  readonly ready: readonly Verifier[]
  readonly timeouts: { readonly stop: number; readonly start: number; readonly ready: number }
  /** How long it must still be well after it was ready. */
  readonly dwell: number
}

export function isMadeHere(material: ManagedMaterial): material is ManagedMaterial<MadeHere> {
  return material.kind.madeBy === 'rekeyd'
}

export function isMadeByConsumer(
  material: ManagedMaterial,
): material is ManagedMaterial<MadeByConsumer> {
  return material.kind.madeBy === 'consumer'
}

/** What nobody else may touch while these materials rotate: themselves, their consumers and places. */
export function claimsOf(materials: readonly ManagedMaterial[]): readonly string[] {
  return materials.flatMap(({ name, consumers, targets }) => [
    name,
    ...consumers.map((consumer) => `consumer ${consumer.name}`),
    ...targets.map(({ place }) => place.path),
  ])
}
