import type { ImpactCount } from '../model/impact.ts'
import type { MaterialState, Mode } from '../model/material.ts'
import type { Version } from '../model/version.ts'
import type { PlanItem } from './views.ts'

/** What the configuration says of a material, in the words that an operator sees. */
export interface DescribedMaterial {
  readonly name: string
  readonly kind: string
  readonly schedule: string
  readonly window?: string
  readonly consumers: readonly string[]
  readonly targets: readonly DescribedTarget[]
  readonly impact?: string
  readonly impactCount?: {
    readonly unit: string
    /** Names of the materials during whose rotation nothing is counted. */
    readonly reads: readonly string[]
    /** Never rejects. */
    readonly ask: () => Promise<ImpactCount>
  }
  /** Whether the configuration asks for a person's approval. */
  readonly approval: boolean
  /** Names of the materials that are in danger with this one. */
  readonly contains: readonly string[]
  /** What a leak asks for where rekeyd does not reach: a sentence, by its kind. */
  readonly elsewhere?: string
}

interface DescribedTarget {
  readonly type: string
  readonly path: string
  readonly key?: string
  readonly part?: string
  readonly format?: string
  readonly version: string
}

/** What operations ask of whoever knows the schedules. */
export interface Planner {
  state(material: string): { readonly state: MaterialState; readonly reason?: string }
  /** Whether a rotation may run now; true without a window. */
  inWindow(material: string, moment: number): boolean
  upcoming(days: number): readonly PlanItem[]
  /** When it is due after a rotation at `moment`; undefined where that depends on the version, or never comes. */
  dueAfter(material: string, moment: number): number | undefined
  /** Names of the materials that are due now. */
  due(): readonly string[]
  pause(material: string, until: number | undefined, reason: string, who: string): void
  resume(material: string, who: string): void
  approve(material: string, who: string): void
  /** The versions of a material changed outside a rotation (adopted): compute its due time. */
  changed(material: string, active: Version): void
}

/** What a running or offline rekeyd says of itself. */
export interface Surroundings {
  readonly version: string
  readonly mode: Mode
  readonly daemon: boolean
  /** Epoch milliseconds. */
  readonly started?: number
  readonly paths: {
    readonly state_dir: string
    readonly socket?: string
    readonly metrics?: string
    readonly config?: string
  }
  clock(): { readonly suspect: boolean; readonly reason?: string }
}
