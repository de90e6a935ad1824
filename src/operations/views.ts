import type { ImpactCount } from '../model/impact.ts'
import type { MaterialState, Mode } from '../model/material.ts'
import type { RotationResult, StepName, StepProgress, Trigger } from '../model/rotation.ts'
import type { OnFailure, Origin, VersionState } from '../model/version.ts'
import type { Disturbance } from './outlook.ts'

/** The JSON shapes of interface.md: what `--json` prints and what the API answers. Times are RFC 3339 UTC. */
export interface VersionView {
  readonly version: number
  readonly state: VersionState
  readonly compromised: boolean
  readonly origin: Origin
  readonly fingerprint: string
  readonly attributes: Readonly<Record<string, string>>
  readonly created: string
  readonly not_before?: string
  readonly not_after?: string
  readonly overlap_until?: string
  readonly keep_until?: string
}

/** What was done to the file of API tokens. */
export interface TokenChange {
  readonly done: 'add' | 'revoke'
  readonly name: string
  /** Of one that was added; until when is RFC 3339. */
  readonly scope?: string
  readonly expires?: string
}

export interface TargetView {
  readonly type: string
  readonly path: string
  readonly key?: string
  readonly part?: string
  readonly format?: string
  readonly version: string
  /** What the last inspection found: `version 3`, `nothing`, `something else`, `unknown`, or `not inspected`. */
  readonly live: string
}

export interface MaterialView {
  readonly name: string
  readonly kind: string
  readonly state: MaterialState
  /** Why it is in that state, where that needs a word. */
  readonly reason?: string
  readonly schedule: string
  readonly window?: string
  readonly next_rotation?: string
  readonly next_attempt?: string
  readonly last_rotation?: string
  readonly last_attempt?: string
  readonly consecutive_failures: number
  readonly active?: VersionView
  readonly versions: readonly VersionView[]
  readonly targets: readonly TargetView[]
  readonly consumers: readonly string[]
  readonly overlap_until?: string
  readonly keep_until?: string
  readonly drift: readonly {
    readonly where: 'target' | 'consumer'
    readonly place: string
    readonly detail: string
  }[]
  readonly paused?: { readonly until?: string; readonly reason: string; readonly who: string }
  readonly impact?: string
  /** Where one material is asked for, and the config says how to count. */
  readonly impact_count?: ImpactCount
  /** Names of the materials that whoever has this one has, too. */
  readonly contains?: readonly string[]
}

export interface StatusView {
  readonly schema_version: 1
  readonly version: string
  readonly mode: Mode
  /** Whether the answer comes from a running daemon or from the store alone. */
  readonly daemon: boolean
  readonly pid?: number
  readonly started?: string
  readonly paths: {
    readonly state_dir: string
    readonly socket?: string
    readonly metrics?: string
    readonly config?: string
  }
  readonly clock: { readonly suspect: boolean; readonly reason?: string }
  readonly audit_head: string
  readonly materials: readonly MaterialView[]
}

export interface StepView {
  readonly name: StepName
  readonly subject?: string
  readonly direction: 'forward' | 'back'
  readonly started: string
  readonly ended?: string
  readonly outcome?: 'done' | 'failed'
  readonly detail?: string
}

export interface RotationView {
  readonly schema_version: 1
  readonly id: string
  readonly trigger: Trigger
  readonly actor: string
  readonly reason?: string
  readonly started: string
  readonly ended?: string
  /** Absent while it runs. */
  readonly result?: RotationResult
  readonly detail?: string
  readonly steps: readonly StepView[]
  /** How far long work is, while it goes on. */
  readonly progress?: StepProgress
  readonly changes: readonly {
    readonly material: string
    readonly from?: number
    readonly to?: number
  }[]
}

/** One line of the plan: what happens when, and to whom. */
export interface PlanItem {
  readonly at: string
  readonly material: string
  readonly action: 'rotate' | 'announce' | 'end-overlap' | 'destroy' | 'expires'
  readonly window?: string
  readonly consumers: readonly string[]
  readonly note?: string
}

/** What policy wants to be told before anything replaces what clients use. */
export interface Acceptance {
  /** The material's name, typed by whoever accepts that clients break. */
  readonly accept_impact?: string
}

export interface RotateOptions extends Acceptance {
  readonly reason?: 'manual' | 'compromise'
  /** Outside its window. */
  readonly now?: boolean
}

export interface RollbackOptions extends Acceptance {
  /** The version to give back; by default the one before. */
  readonly to?: number
}

export interface CompromiseOptions extends Acceptance {
  /** Absent: what is usual for the material. */
  readonly on_failure?: OnFailure
  /** Whether the backups go, too, once it is replaced: they contain the old value. */
  readonly purge?: boolean
}

/** What `compromise` answers: the rotation, and what it leaves to a person. */
export interface CompromiseView extends RotationView {
  /** What whoever had this one has, too; none of it was replaced. */
  readonly endangers: readonly Endangered[]
  /** With which materials it may have leaked. */
  readonly contained_in: readonly string[]
  /** What has to be done where rekeyd does not reach. */
  readonly elsewhere: readonly string[]
  /** How many backups were deleted, where that was asked for … */
  readonly purged?: number
  /** … or why they were not. */
  readonly purge_failed?: string
}

export interface Endangered {
  readonly material: string
  readonly kind: string
  /** From the one that leaked to the one that holds it. */
  readonly through: readonly string[]
  readonly impact?: string
  /** What to type to replace it, too. */
  readonly command: string
}

/** What `rotate --dry-run` answers. */
export interface DryRun {
  readonly schema_version: 1
  readonly material: string
  readonly steps: readonly string[]
  readonly impact?: string
  readonly impact_count?: ImpactCount
  /** Who would have to take the change up, in order. */
  readonly consumers: readonly Disturbance[]
  /** When it is due by itself, as things stand. */
  readonly next_rotation?: string
  /** When it would be due again if it were rotated now; absent where that depends on what is made. */
  readonly due_again?: string
  /** Until when clients may go on using the present version if it were rotated now. */
  readonly overlap_until?: string
  readonly window?: string
  readonly refused?: { readonly reason: string; readonly hint?: string }
}

export interface AuditRow {
  readonly seq: number
  readonly at: string
  readonly who: string
  readonly why?: string
  readonly action: string
  readonly material?: string
  readonly version?: number
  readonly fingerprint?: string
  readonly detail?: string
  readonly hash: string
}

/** A backup that was made. */
export interface BackupView {
  readonly path: string
  readonly bytes: number
  readonly made: string
}

/** How a test notice fared on one channel. */
export interface NoticeTestView {
  readonly channel: string
  readonly ok: boolean
  /** How long it took. */
  readonly seconds: number
  readonly error?: string
  readonly hint?: string
}

/** A file handed to `import`: PEM or DER text is recognised by the kind. */
export interface ImportPart {
  readonly part: string
  readonly path: string
}

export interface VerifyView {
  readonly schema_version: 1
  readonly material: string
  readonly targets: readonly TargetView[]
  readonly verifiers: readonly {
    readonly type: string
    readonly subject: string
    readonly answer: 'yes' | 'no' | 'could not tell'
    readonly reason?: string
  }[]
  readonly ok: boolean
}
