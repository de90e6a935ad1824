import { readFileSync, statSync } from 'node:fs'
import type { AcceptedClock, ScheduleState } from '../store/schedule-state.ts'
import type { Clock } from '../support/clock.ts'
import { formatDuration } from '../support/duration.ts'

const minute = 60_000
const day = 24 * 60 * minute
/** More than this in either direction is no correction but a jump. */
const tolerance = 5 * minute
/** A machine may well have been off for so long: how long it really was, its clock alone knows. */
const longestOff = day
/** How long a clock that jumped forward must have run evenly to be believed. */
const steadyFor = 10 * minute
/** An undisturbed clock is persisted no more often than this: each time is a durable commit. */
const persistEvery = 10 * minute

/** What the system says about its clock. */
export interface ClockSigns {
  readonly bootId: string
  /** Whether it has been set from the network since this was asked the last time. */
  synchronised(): boolean
}

/** What one look at the clock says. */
export interface ClockLook {
  /** Why nothing may be made now; undefined when the clock is trusted. */
  readonly suspect?: string
  /** The clock has just been believed again after a jump: whatever it made due must not run all at once. */
  readonly jumped: boolean
  /** By how much deadlines may be further away than the clock says. Nothing ends or is destroyed before. */
  readonly doubt: number
}

/**
 * Compares the wall clock with the one that counts since boot (suspend included, so a laptop lid is no
 * jump). Below the floor (last accepted time, build date, newest not_before) nothing is made. A jump
 * forward is held until it has been steady for ten minutes or the system says that it is synchronised.
 */
export class ClockGuard {
  readonly #clock: Clock
  readonly #state: ScheduleState
  readonly #buildDate: number
  readonly #signs: ClockSigns
  #mark: AcceptedClock | undefined
  #persisted: number
  /** A clock that jumped forward: since when (by the clock since boot), and to what difference. */
  #held: { readonly since: number; readonly offset: number } | undefined

  constructor(clock: Clock, state: ScheduleState, buildDate: number, signs = systemSigns()) {
    this.#clock = clock
    this.#state = state
    this.#buildDate = buildDate
    this.#signs = signs
    this.#mark = state.accepted()
    this.#persisted = -Infinity
  }

  /** @param newestNotBefore the latest start of validity of any version in use: it was made before now */
  look(newestNotBefore = -Infinity): ClockLook {
    const wall = this.#clock.now()
    const sinceBoot = this.#clock.sinceBoot()
    const synchronised = this.#signs.synchronised()
    const floor = Math.max(this.#mark?.wall ?? -Infinity, this.#buildDate, newestNotBefore)
    if (wall < floor - tolerance) {
      this.#held = undefined
      return this.#suspect(`it is ${formatDuration(floor - wall)} behind what it was already`)
    }
    const jump = this.#jump(wall, sinceBoot)
    if (jump === 0) return this.#accept(wall, sinceBoot, synchronised ? 0 : this.#doubt, false)
    if (synchronised) return this.#accept(wall, sinceBoot, 0, true)
    if (this.#isSteady(wall - sinceBoot, sinceBoot)) {
      return this.#accept(wall, sinceBoot, this.#doubt + jump, true)
    }
    return this.#suspect(`it jumped ${formatDuration(jump)} forward`)
  }

  /** The operator says that the clock is right as it is. */
  confirm(): void {
    this.#accept(this.#clock.now(), this.#clock.sinceBoot(), 0, true)
  }

  get #doubt(): number {
    return this.#mark?.doubt ?? 0
  }

  /** How much the wall clock gained on the time that has really passed, as far as that is known. */
  #jump(wall: number, sinceBoot: number): number {
    const mark = this.#mark
    if (!mark) return 0
    const sameBoot = mark.bootId === this.#signs.bootId && mark.sinceBoot <= sinceBoot
    const gain = wall - mark.wall - (sameBoot ? sinceBoot - mark.sinceBoot : sinceBoot)
    return gain > (sameBoot ? tolerance : longestOff) ? gain : 0
  }

  #isSteady(offset: number, sinceBoot: number): boolean {
    if (!this.#held || Math.abs(this.#held.offset - offset) > tolerance) {
      this.#held = { since: sinceBoot, offset }
    }
    return sinceBoot - this.#held.since >= steadyFor
  }

  #accept(wall: number, sinceBoot: number, doubt: number, jumped: boolean): ClockLook {
    this.#held = undefined
    const isCorrection = !jumped && this.#mark !== undefined && wall < this.#mark.wall
    if (!isCorrection || doubt !== this.#doubt) {
      const { bootId } = this.#signs
      this.#mark = { wall, sinceBoot, bootId, ...(doubt > 0 && { doubt }) }
    }
    if (jumped || sinceBoot - this.#persisted >= persistEvery || sinceBoot < this.#persisted) {
      if (this.#mark) this.#state.accept(this.#mark)
      this.#persisted = sinceBoot
    }
    return { jumped, doubt }
  }

  #suspect(reason: string): ClockLook {
    return { suspect: reason, jumped: false, doubt: this.#doubt }
  }
}

/** Linux and systemd-timesyncd; elsewhere a jump is believed once it has been steady. */
export function systemSigns(): ClockSigns {
  let last: number | undefined
  return {
    bootId: bootId(),
    synchronised() {
      // Touched each time the clock is set from the network. That it exists proves nothing: somebody may
      // have set the clock by hand since. Its time is compared with itself only.
      const touched = statSync('/run/systemd/timesync/synchronized', {
        throwIfNoEntry: false,
      })?.mtimeMs
      const isNew = touched !== undefined && touched !== last
      last = touched
      return isNew
    },
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
