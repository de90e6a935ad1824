import type { Version } from '../model/version.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'

/** Everything at one moment that notices are decided from. All times are epoch milliseconds. */
export interface Outlook {
  readonly now: number
  readonly materials: readonly MaterialOutlook[]
  readonly trouble: Trouble
}

/** One material, as it stands and as it goes on. */
export interface MaterialOutlook {
  readonly name: string
  readonly schedule: MaterialSchedule
  /** It is due, and waits for a person. */
  readonly awaitsApproval: boolean
  /** Whether its next rotation will wait for a person. */
  readonly needsApproval: boolean
  /** rekeyd does not rotate it by itself: the mode is `observe`. */
  readonly observed: boolean
  readonly active?: Version
  /** How long before its end, or after it was due, somebody must be told. Milliseconds. */
  readonly alertLead: number
  /** Who notices a rotation, in words. */
  readonly impact?: string
  /** Places that hold something else than the active version. */
  readonly drift: readonly string[]
  /** IANA zone in which its times are told. */
  readonly timezone?: string
  /** What is planned within the time that is looked ahead. */
  readonly planned: readonly Planned[]
  /** Why the last attempt failed. */
  readonly failure?: string
  /** The last rotation that took the place of another version, within a day. */
  readonly replaced?: Replaced
}

/** A rotation, or the end of an overlap. */
export interface Planned {
  /** When it is begun. */
  readonly at: number
  /** When it may be begun: the window's opening and end; absent for at any time. */
  readonly window?: { readonly start: number; readonly end: number }
  readonly action: 'rotate' | 'end-overlap'
  /** The consumers that do not run for a moment. */
  readonly restarts: readonly {
    readonly consumer: string
    /** How long the last one took. */
    readonly seconds?: number
  }[]
}

export interface Replaced {
  readonly from: number
  readonly to: number
  readonly proved: boolean
  /** Until when the one before can be given back; absent when it cannot. */
  readonly undoUntil?: number
}

/** What rekeyd itself has trouble with: why, by what it is. */
export interface Trouble {
  readonly clock?: string
  readonly store?: string
  readonly backup?: string
}
