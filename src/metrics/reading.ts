import type { MaterialState } from '../model/material.ts'
import type { Version, VersionState } from '../model/version.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'

/** One material at the moment of a scrape. Times are epoch milliseconds. */
export interface MaterialReading {
  readonly name: string
  readonly kind: string
  readonly state: MaterialState
  readonly schedule: MaterialSchedule
  readonly active?: Version
  readonly overlapUntil?: number
  readonly versions: Readonly<Record<VersionState, number>>
  /** Whether a target, or a consumer, holds something else than the active version. */
  readonly drift: { readonly target: boolean; readonly consumer: boolean }
  /** How long before its end, or after it was due, somebody must be told. Milliseconds. */
  readonly alertLead: number
}

/** What is read when Prometheus scrapes. */
export interface Readings {
  materials(): readonly MaterialReading[]
  consumers(): readonly string[]
  /** Where notices go, by the names they are counted under. */
  channels(): readonly string[]
  /** When the newest backup was made, in epoch milliseconds; undefined when there is none. */
  newestBackup(): number | undefined
  /** Tokens of the admin API, and when they end, RFC 3339. */
  apiTokens(): Promise<readonly { readonly name: string; readonly expires: string }[]>
  readonly version: string
}
