import type { ErrorKind } from '../support/operator-error.ts'
import type { DoctorView, RehearsalView } from './outlook.ts'
import type {
  Acceptance,
  AuditRow,
  BackupView,
  CompromiseOptions,
  CompromiseView,
  DryRun,
  ImportPart,
  MaterialView,
  NoticeTestView,
  PlanItem,
  RollbackOptions,
  RotateOptions,
  RotationView,
  StatusView,
  TokenChange,
  VerifyView,
  VersionView,
} from './views.ts'

/** Who asks, as the audit log shows it: `cli:alice`, `api:token-name`. */
export interface Caller {
  readonly who: string
  readonly why?: string
}

/**
 * What one can ask of rekeyd: one port, two implementations, on the parts (daemon, offline CLI) and over
 * HTTP (online CLI). Refusals and failures are {@link OperatorError}s; `rotate` and its like resolve with
 * the finished rotation, whatever its result.
 */
export interface Operations {
  status(): Promise<StatusView>
  material(name: string): Promise<MaterialView>
  plan(days: number): Promise<readonly PlanItem[]>
  /** Checks and starts; the id can be followed with `rotation`. */
  startRotation(
    name: string,
    options: RotateOptions,
    caller: Caller,
  ): Promise<{ readonly id: string }>
  /** Waits for the end of a rotation. */
  wait(id: string, signal?: AbortSignal): Promise<RotationView>
  dryRun(name: string, options: RotateOptions): Promise<DryRun>
  /** Everything of a rotation but the switch: nothing live changes, nothing is kept. */
  rehearse(name: string, caller: Caller): Promise<RehearsalView>
  /** Looks whether each rotation could succeed. Changes nothing that is in use. */
  doctor(): Promise<DoctorView>
  /** Everything that is due now; an empty list when nothing is. */
  rotateDue(caller: Caller): Promise<readonly RotationView[]>
  /** Gives the previous version (or `to`) back. */
  rollback(name: string, options: RollbackOptions, caller: Caller): Promise<RotationView>
  endOverlap(name: string, options: Acceptance, caller: Caller): Promise<RotationView>
  pause(
    name: string | undefined,
    until: string | undefined,
    reason: string,
    caller: Caller,
  ): Promise<void>
  resume(name: string | undefined, caller: Caller): Promise<void>
  approve(name: string, caller: Caller): Promise<void>
  /** Asks every verifier and inspects every target now. */
  verify(name: string): Promise<VerifyView>
  /** A version made elsewhere; no rotation when its fingerprint is the active one's. */
  import(
    name: string,
    parts: readonly ImportPart[],
    options: Acceptance,
    caller: Caller,
  ): Promise<RotationView | undefined>
  /** What is live becomes the active version. */
  adopt(name: string, caller: Caller): Promise<VersionView>
  /** Brings targets that hold something else to the active version. */
  apply(name: string, options: Acceptance, caller: Caller): Promise<RotationView | undefined>
  /** Marks what has leaked at once, whatever is under way, and replaces it. Nothing that it contains. */
  compromise(name: string, options: CompromiseOptions, caller: Caller): Promise<CompromiseView>
  /** Makes a key and a certificate request for it. @returns PEM */
  csr(name: string, caller: Caller): Promise<string>
  /** Writes the value to `out`, an absolute path, as a new file of mode 0600: by the daemon where one runs. */
  reveal(
    name: string,
    version: number | 'next' | 'previous' | undefined,
    part: string | undefined,
    format: string | undefined,
    out: string,
    caller: Caller,
  ): Promise<{ readonly version: number }>
  history(query: {
    readonly material?: string
    readonly limit: number
    readonly before?: string
  }): Promise<readonly RotationView[]>
  rotation(id: string): Promise<RotationView>
  audit(after: number, limit: number): Promise<readonly AuditRow[]>
  /** Puts into the audit log what was done to the file of API tokens, which is no part of the store. */
  tokenChanged(change: TokenChange, caller: Caller): Promise<void>
  /** Backs everything up, into the configured folder or into `to`, an absolute path. */
  backup(to: string | undefined, caller: Caller): Promise<BackupView>
  /** Sends a test notice on one channel, or on all. @throws OperatorError when there is no such channel */
  testNotices(channel: string | undefined): Promise<readonly NoticeTestView[]>
}

/** The one place where kinds of error meet exit codes (interface.md) and HTTP status. */
export const errorCodes: Readonly<
  Record<ErrorKind, { readonly exit: number; readonly http: number }>
> = {
  failed: { exit: 1, http: 500 },
  usage: { exit: 2, http: 400 },
  config: { exit: 3, http: 500 },
  locked: { exit: 4, http: 503 },
  refused: { exit: 5, http: 422 },
  'rolled-back': { exit: 6, http: 500 },
  'needs-attention': { exit: 7, http: 409 },
  busy: { exit: 8, http: 409 },
  'not-found': { exit: 1, http: 404 },
}
