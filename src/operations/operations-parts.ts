import type { StepProgress } from '../model/rotation.ts'
import type { Engine } from '../rotation/engine.ts'
import type { Journal } from '../store/journal.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { ScheduleState } from '../store/schedule-state.ts'
import type { Clock } from '../support/clock.ts'
import type { DescribedMaterial, Planner, Surroundings } from './described.ts'
import type { Caller } from './operations.ts'
import type { DoctorView } from './outlook.ts'
import type { AuditRow, NoticeTestView } from './views.ts'

/** The parts that operations act on. */
export interface OperationsParts {
  readonly engine: Engine
  readonly keys: KeyStore
  readonly journal: Journal
  readonly schedule: ScheduleState
  readonly planner: Planner
  readonly clock: Clock
  readonly surroundings: Surroundings
  readonly materials: readonly DescribedMaterial[]
  /** How far long work of a rotation is, while it goes on. */
  progress(id: string): StepProgress | undefined
  /** Ends what a crash left open; whoever changes something waits for it first. */
  recover(): Promise<void>
  readonly backups: {
    make(
      caller: Caller,
      folder?: string,
    ): Promise<{ readonly path: string; readonly bytes: number; readonly made: number }>
    /** Removes every backup in the configured folder and makes a new one. @returns how many there were */
    purge(caller: Caller): Promise<number>
  }
  readonly notices: { test(channel?: string): Promise<readonly NoticeTestView[]> }
  /** An audit row of something that changed nothing. */
  record(
    actor: Caller,
    event: { readonly action: string; readonly material?: string; readonly detail: string },
  ): void
  /** Looks at everything, as {@link Operations.doctor} answers. */
  examine(): Promise<DoctorView>
  readonly audit: {
    head(): { readonly seq: number; readonly hash: string }
    list(after: number, limit: number): readonly (Omit<AuditRow, 'at'> & { readonly at: number })[]
  }
}
