import type { z } from 'zod'
import type { OnFailure } from '../model/version.ts'
import type * as checks from './views/checks.ts'
import type * as material from './views/material.ts'
import type * as planning from './views/planning.ts'
import type * as records from './views/records.ts'
import type * as rotation from './views/rotation.ts'
import type * as status from './views/status.ts'

// The JSON shapes of interface.md: what `--json` prints and what the API answers. The schemas in views/ say what
// each field means; here are their types alone, so that a command that only asks the daemon loads no zod.

/** What nobody changes. */
type Fixed<T> = T extends object ? { readonly [Key in keyof T]: Fixed<T[Key]> } : T
/** What a schema of views/ describes. */
export type View<Schema extends z.ZodType> = Fixed<z.output<Schema>>

export type VersionView = View<typeof material.versionView>
export type TargetView = View<typeof material.targetView>
export type MaterialView = View<typeof material.materialView>
export type StatusView = View<typeof status.statusView>
export type StepView = View<typeof rotation.stepView>
export type RotationView = View<typeof rotation.rotationView>
/** One line of the plan: what happens when, and to whom. */
export type PlanItem = View<typeof planning.planItem>
/** What `compromise` answers: the rotation, and what it leaves to a person. */
export type CompromiseView = View<typeof rotation.compromiseView>
export type Endangered = View<typeof rotation.endangered>
/** What `rotate --dry-run` answers. */
export type DryRun = View<typeof planning.dryRun>
export type AuditRow = View<typeof records.auditRow>
/** A backup that was made. */
export type BackupView = View<typeof records.backupView>
/** How a test notice fared on one channel. */
export type NoticeTestView = View<typeof checks.noticeTestView>
export type VerifyView = View<typeof checks.verifyView>

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

/** A file handed to `import`: PEM or DER text is recognised by the kind. */
export interface ImportPart {
  readonly part: string
  readonly path: string
}

/** What was done to the file of API tokens. */
export interface TokenChange {
  readonly done: 'add' | 'revoke'
  readonly name: string
  /** Of one that was added; until when is RFC 3339. */
  readonly scope?: string
  readonly expires?: string
}
