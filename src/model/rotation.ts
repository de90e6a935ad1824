/** The steps of a rotation in the order they are taken (design.md, "The life of one rotation"). */
export const stepNames = [
  'generate',
  'stage',
  'quiesce',
  'activate',
  'withdraw',
  'resume',
  'verify',
  'finish',
  'archive',
  'provoke',
  'observe',
] as const
export type StepName = (typeof stepNames)[number]

export const rotationResults = [
  'succeeded',
  'applied_unproved',
  'rolled_back',
  'failed',
  'needs_attention',
] as const
export type RotationResult = (typeof rotationResults)[number]

/** Why a rotation began. */
export const triggers = [
  'schedule',
  'manual',
  'compromise',
  'import',
  'rollback',
  'overlap-end',
  'announce',
  'apply',
  'recovery',
] as const
export type Trigger = (typeof triggers)[number]

/** Forward makes the new version live; back gives the previous one back. Recovery follows it. */
export type Direction = 'forward' | 'back'

/** One member of a rotation: from which version to which. */
export interface Change {
  readonly material: string
  /** Undefined on a first rotation. */
  readonly from?: number
  /** Undefined when an overlap ends: nothing takes the place of what is withdrawn. */
  readonly to?: number
}

/** One step as history shows it. Times are epoch milliseconds. */
export interface StepRecord {
  readonly name: StepName
  /** What it was about: a target's place, a consumer, a verifier. */
  readonly subject?: string
  readonly direction: Direction
  readonly started: number
  readonly ended?: number
  readonly outcome?: 'done' | 'failed'
  readonly detail?: string
}

/** How far something is that takes long. */
export interface Progress {
  /** In words: `re-encrypting`. */
  readonly doing: string
  /** Never less than before; `total` at the end. */
  readonly done: number
  readonly total: number
  readonly unit: 'bytes'
}

/** The same for a step under way. Nothing secret. */
export interface StepProgress extends Progress {
  readonly step: StepName
  readonly material: string
  /** The target, as the step's subject names it. */
  readonly place: string
}

/** One attempt to replace one or more versions, as history shows it. */
export interface Rotation {
  readonly id: string
  readonly trigger: Trigger
  /** Who asked: `schedule`, `cli:alice`, `api:token-name`, … */
  readonly actor: string
  readonly reason?: string
  readonly changes: readonly Change[]
  readonly direction: Direction
  /** Times it was begun, recoveries included. */
  readonly tries: number
  readonly started: number
  readonly ended?: number
  readonly result?: RotationResult
  /** Why it did not succeed, for the operator; known from the turn back on. */
  readonly detail?: string
  /** The member whose verifier said no, once it has turned back; undefined blames all. */
  readonly blamed?: string
  readonly steps: readonly StepRecord[]
}
