import type { Config } from '../config/config.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'

/** What the doctor looks at: a configuration made real, and the store where there is one. */
export interface Subject {
  readonly config: Config
  readonly materials: readonly ManagedMaterial[]
  /** Versions of the store, and what the next start would adopt. */
  readonly keys: KeyStore
  /** Absent before there is a store. */
  readonly store?: SubjectStore
  /** Whether the daemon itself looks. */
  readonly daemon: boolean
  /** Epoch milliseconds. */
  readonly now: number
  /** Why the clock is not trusted. */
  readonly clockDoubt?: string
  /** When the newest backup was made, epoch milliseconds. */
  readonly newestBackup?: number
  /**
   * Runs what must not meet a rotation of the material.
   * @throws OperatorError `busy`
   */
  undisturbed<T>(material: string, run: () => Promise<T>): Promise<T>
}

export interface SubjectStore {
  readonly id: string
  /** Whether it has an active version itself. */
  knows(material: string): boolean
  schedule(material: string): MaterialSchedule
  /** Whether a crash or stop left a rotation of the material open. */
  isOpen(material: string): boolean
}

/** What stands with rekeyd itself. */
export type HostCheck = (subject: Subject) => Promise<readonly DoctorFinding[]>

/** What stands with one material. */
export type MaterialCheck = (
  material: ManagedMaterial,
  subject: Subject,
  signal: AbortSignal,
) => Promise<readonly DoctorFinding[]>
