import { Events } from '../../src/model/events.ts'
import type { Mode } from '../../src/model/material.ts'
import type { RotationResult } from '../../src/model/rotation.ts'
import type { Version, VersionState } from '../../src/model/version.ts'
import { createSchedule, rotateSchema } from '../../src/scheduler/catalog.ts'
import { ClockGuard } from '../../src/scheduler/clock-guard.ts'
import { afterAttempt } from '../../src/scheduler/policy.ts'
import type { ScheduledMaterial } from '../../src/scheduler/scheduled-material.ts'
import { Scheduler } from '../../src/scheduler/scheduler.ts'
import type { Perform } from '../../src/scheduler/scheduler-parts.ts'
import { Window, windowSchema } from '../../src/scheduler/window.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { MemoryScheduleState } from '../fakes/memory-schedule-state.ts'

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

export const night = new Window(
  'night',
  windowSchema.parse({ cron: '0 3 * * *', duration: '2h', timezone: 'Europe/Berlin' }),
)

/** A material on the simulated host, and how it is made there. */
export interface Inhabitant extends ScheduledMaterial {
  /** Expires so long after it was made. */
  readonly lifetime?: number
  readonly overlap?: number
  readonly keep?: number
}

/** A material as the config would write it. */
export function inhabitant(
  name: string,
  rotate: unknown,
  rest: Partial<Omit<Inhabitant, 'name' | 'schedule' | 'basis'>> = {},
): Inhabitant {
  return {
    name,
    schedule: createSchedule(rotateSchema.parse(rotate)),
    basis: JSON.stringify(rotate),
    consumers: [],
    approval: false,
    ...rest,
  }
}

/** One rotation as it began and ended. */
export interface Done {
  readonly at: number
  readonly materials: readonly string[]
  readonly result: RotationResult
}

/** How an attempt on the simulated host ends; by default it succeeds. */
export interface Ending {
  readonly result: RotationResult
  readonly blamed?: string
}

/** Everything around the scheduler: a store, an engine that always takes the same time, a switch for the power. */
export class SimulatedHost implements Perform {
  readonly clock: FakeClock
  readonly state = new MemoryScheduleState()
  readonly events = new Events()
  readonly versions = new Map<string, Version[]>()
  readonly rotations: Done[] = []
  readonly ended: { at: number; material: string; version: number; late: number }[] = []
  readonly destroyed: { at: number; material: string; version: number; late: number }[] = []
  readonly announced: { at: number; material: string }[] = []
  readonly suspicions: boolean[] = []
  /** What the issuer or consumer has that we do not. */
  readonly news = new Set<string>()
  /** How an attempt ends. */
  outcome: (materials: readonly string[], now: number) => Ending = () => ({ result: 'succeeded' })
  /** How long each rotation takes. */
  takes = 20 * second
  tick = 30 * second
  synchronised = false
  bootId = 1
  mode: Mode = 'rotate'
  maxRestarts = new Map<string, number>()
  buildDate = Date.parse('2026-06-01T00:00:00Z')
  #scheduler: Scheduler | undefined
  #inhabitants: readonly Inhabitant[]

  constructor(inhabitants: readonly Inhabitant[], clock = new FakeClock()) {
    this.#inhabitants = inhabitants
    this.clock = clock
    this.events.on('clock.suspect', ({ suspect }) => this.suspicions.push(suspect))
    for (const { name } of inhabitants) this.adopt(name)
  }

  get scheduler(): Scheduler {
    if (!this.#scheduler) throw new Error('the daemon is off')
    return this.#scheduler
  }

  adopt(name: string): void {
    const made = this.#make(name, 'active')
    this.versions.set(name, [{ ...made, origin: 'adopted' }])
  }

  /** Starts the daemon. */
  async on(): Promise<void> {
    const { clock, state, events, mode, maxRestarts, tick } = this
    const guard = new ClockGuard(clock, state, this.buildDate, {
      bootId: `boot ${this.bootId}`,
      synchronised: () => this.synchronised,
    })
    const versions = { list: (name: string) => this.versions.get(name) ?? [] }
    const materials = this.#inhabitants
    const parts = { clock, guard, state, versions, events, materials, mode, maxRestarts, tick }
    this.#scheduler = new Scheduler({ ...parts, perform: this })
    this.#scheduler.start()
    await clock.advance(0)
  }

  /** Stops the daemon. */
  async off(): Promise<void> {
    const stopped = this.scheduler.stop()
    await this.clock.advance(this.takes)
    await stopped
    this.#scheduler = undefined
  }

  /** Changes the configuration of the running daemon. */
  async reconfigure(inhabitants: readonly Inhabitant[]): Promise<void> {
    this.#inhabitants = inhabitants
    this.scheduler.reload(inhabitants, this.mode)
    await this.clock.advance(0)
  }

  active(name: string): Version {
    const version = this.versions.get(name)?.find(({ state }) => state === 'active')
    if (!version) throw new Error(`${name} has no active version`)
    return version
  }

  rotationsOf(name: string): readonly Done[] {
    return this.rotations.filter(({ materials }) => materials.includes(name))
  }

  async rotate(materials: readonly string[]): Promise<void> {
    const at = this.clock.now()
    const { result, blamed } = this.outcome(materials, at)
    const index = this.rotations.push({ at, materials, result }) - 1
    await this.clock.sleep(this.takes)
    for (const name of materials) {
      if (result === 'succeeded') this.#replace(name)
      const material = this.#find(name)
      this.state.set(
        afterAttempt(
          material,
          this.state.get(name),
          {
            trigger: 'schedule',
            result,
            blamed: blamed === undefined || blamed === name,
            alone: materials.length === 1,
            now: this.clock.now(),
          },
          this.active(name),
        ),
      )
      for (const consumer of material.consumers) {
        const payload = { consumer, downtimeSeconds: 1 }
        this.events.emit('consumer.restarted', this.rotations[index]!.at, payload)
      }
    }
  }

  async announce(material: string): Promise<void> {
    this.announced.push({ at: this.clock.now(), material })
    this.versions.get(material)?.push(this.#make(material, 'prepared'))
  }

  async endOverlap(material: string, version: number): Promise<void> {
    const at = this.clock.now()
    const { overlapUntil = Infinity } = this.#change(material, version, 'withdrawn')
    this.ended.push({ at, material, version, late: at - overlapUntil })
  }

  async destroy(material: string, version: number): Promise<void> {
    const at = this.clock.now()
    const { keepUntil = Infinity } = this.#change(material, version, 'destroyed')
    this.destroyed.push({ at, material, version, late: at - keepUntil })
  }

  async changed(material: string): Promise<boolean> {
    return this.news.delete(material)
  }

  #find(name: string): Inhabitant {
    const found = this.#inhabitants.find((one) => one.name === name)
    if (!found) throw new Error(`no material ${name}`)
    return found
  }

  #replace(name: string): void {
    const { overlap = 0, keep = 0 } = this.#find(name)
    const now = this.clock.now()
    const versions = this.versions.get(name) ?? []
    const kept = versions
      .filter(({ state }) => state !== 'prepared')
      .map((version) => {
        if (version.state === 'retiring') return { ...version, state: 'withdrawn' as const }
        if (version.state !== 'active') return version
        const keepUntil = now + Math.max(overlap, keep)
        return overlap > 0
          ? { ...version, state: 'retiring' as const, overlapUntil: now + overlap, keepUntil }
          : { ...version, state: 'withdrawn' as const, keepUntil }
      })
    this.versions.set(name, [...kept, this.#make(name, 'active')])
  }

  #make(name: string, state: VersionState): Version {
    const now = this.clock.now()
    const { lifetime } = this.#find(name)
    return {
      material: name,
      number: (this.versions.get(name)?.length ?? 0) + 1,
      state,
      compromised: false,
      origin: 'generated',
      fingerprint: `sha256:${name}`,
      attributes: {},
      createdAt: now,
      activeSince: now,
      ...(lifetime !== undefined && { notBefore: now, notAfter: now + lifetime }),
    }
  }

  #change(material: string, number: number, state: VersionState): Version {
    const versions = this.versions.get(material) ?? []
    const index = versions.findIndex((version) => version.number === number)
    const version = versions[index]
    if (!version) throw new Error(`${material} has no version ${number}`)
    versions[index] = { ...version, state }
    return version
  }
}
