import type { Mode } from '../model/material.ts'
import { activeOf, type Standing } from './agenda.ts'
import type { ClockLook } from './clock-guard.ts'
import { Desk } from './desk.ts'
import { DueHeap } from './due-heap.ts'
import { type Shown, stateOf } from './material-state.ts'
import { settle } from './policy.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'
import type { SchedulerParts } from './scheduler-parts.ts'
import { type Upcoming, upcoming } from './upcoming.ts'

const day = 86_400_000
const defaultTick = 30_000
/** Why a sleep ends early. Not an error: making one costs more than a tick. */
const interrupted = 'interrupted'
/** Nothing is looked at more often than this, whatever its dates say. */
const shortestPause = 1_000

interface Wake {
  readonly at: number
  readonly material: string
}

/**
 * The loop: one heap, one timer. At each tick it looks at every material whose time has come, asks the pure
 * functions of this folder what to do *now*, and has it done without waiting for it. Nothing it keeps in
 * memory matters: due and attempts are persisted, so a restart or a missed night changes nothing.
 */
export class Scheduler {
  readonly #parts: SchedulerParts
  readonly #desk: Desk
  readonly #heap = new DueHeap<Wake>()
  /** The one entry of the heap that counts, by material: older ones are left in and ignored. */
  readonly #wakes = new Map<string, Wake>()
  readonly #order = new Map<string, number>()
  readonly #shown = new Map<string, string>()
  readonly #stop = new AbortController()
  #materials: ReadonlyMap<string, ScheduledMaterial>
  #mode: Mode
  #look: ClockLook = { jumped: false, doubt: 0 }
  /** Whether the clock was last said to be suspect. */
  #told: boolean | undefined
  #newestNotBefore = -Infinity
  /** Whether the heap must be built anew before anything runs. */
  #stale = true
  #interrupt = new AbortController()
  #loop: Promise<void> | undefined

  constructor(parts: SchedulerParts) {
    this.#parts = parts
    this.#mode = parts.mode
    this.#materials = byName(parts.materials)
    this.#desk = new Desk(
      parts,
      (name) => this.#standing(name),
      (name) => this.poke(name),
    )
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** Ends the loop and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#interrupt.abort(interrupted)
    await this.#loop
    await this.#desk.stop()
  }

  /** Something about this material has changed: a version, a pause, an approval. */
  poke(material: string): void {
    this.#push({ at: -Infinity, material })
    this.#interrupt.abort(interrupted)
  }

  /** Takes over a configuration that was read again. */
  reload(materials: readonly ScheduledMaterial[], mode: Mode): void {
    this.#materials = byName(materials)
    this.#mode = mode
    this.#stale = true
    this.#interrupt.abort(interrupted)
  }

  /** The state of a material as operators see it; undefined for an unknown name. */
  stateOf(material: string): Shown | undefined {
    const standing = this.#standing(material)
    return standing && stateOf(standing, this.#desk.isRotating(material))
  }

  /** What happens within so many days if every rotation succeeds, earliest first. */
  upcoming(days: number): readonly Upcoming[] {
    const end = this.#parts.clock.now() + days * day
    return [...this.#materials.keys()]
      .flatMap((name) => {
        const standing = this.#standing(name)
        return standing ? upcoming(standing, end) : []
      })
      .toSorted((one, other) => one.at - other.at)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#interrupt = new AbortController()
      try {
        this.#tick()
      } catch {
        // The store could not be read or written. The heap may have lost entries: build it anew.
        this.#stale = true
        this.#parts.events.emit('store.error', this.#parts.clock.now(), { operation: 'schedule' })
      }
      await this.#parts.clock.sleep(this.#pause(), this.#interrupt.signal).catch(() => undefined)
    }
  }

  #tick(): void {
    const { clock, events, guard } = this.#parts
    const now = clock.now()
    if (this.#stale) this.#learnNotBefore()
    const look = guard.look(this.#newestNotBefore)
    if (look.jumped) this.#desk.pace(now)
    if (look.jumped || look.doubt !== this.#look.doubt) this.#stale = true
    this.#report(look, now)
    if (look.suspect === undefined) {
      if (this.#stale) this.#rebuild(now)
      this.#runDue(now)
    }
    events.emit('scheduler.tick', now, { at: now })
  }

  /** Tells of each change once, and of the first look: how far behind the clock is changes with every tick. */
  #report(look: ClockLook, now: number): void {
    const { suspect: reason } = look
    this.#look = look
    if (this.#told === (reason !== undefined)) return
    this.#told = reason !== undefined
    const payload = reason === undefined ? { suspect: false } : { suspect: true, reason }
    this.#parts.events.emit('clock.suspect', now, payload)
  }

  #learnNotBefore(): void {
    for (const name of this.#materials.keys()) {
      const { notBefore = -Infinity } = activeOf(this.#parts.versions.list(name)) ?? {}
      this.#newestNotBefore = Math.max(this.#newestNotBefore, notBefore)
    }
  }

  #rebuild(now: number): void {
    this.#desk.takeOver([...this.#materials.values()])
    this.#heap.clear()
    this.#wakes.clear()
    this.#order.clear()
    for (const name of this.#materials.keys()) {
      this.#order.set(name, this.#order.size)
      this.#push({ at: now, material: name })
    }
    this.#stale = false
  }

  /** What is due at the same time goes in the order of the configuration. */
  #runDue(now: number): void {
    const due: Wake[] = []
    for (let wake = this.#heap.peek(); wake && wake.at <= now; wake = this.#heap.peek()) {
      this.#heap.pop()
      if (this.#wakes.get(wake.material) === wake) due.push(wake)
    }
    const order = (wake: Wake) => this.#order.get(wake.material) ?? 0
    due.sort((one, other) => one.at - other.at || order(one) - order(other))
    for (const { material } of due) this.#attend(material, now)
  }

  /** Looks at one material: brings its schedule up to date, starts what is due, notes when to look again. */
  #attend(name: string, now: number): void {
    this.#wakes.delete(name)
    const standing = this.#settled(name)
    if (!standing) return
    const next = this.#desk.attend(standing)
    this.#show(standing, now)
    if (next < Infinity) this.#push({ at: Math.max(next, now + shortestPause), material: name })
  }

  #settled(name: string): Standing | undefined {
    const standing = this.#standing(name)
    if (!standing) return undefined
    const { material, state, versions, now } = standing
    const active = activeOf(versions)
    this.#newestNotBefore = Math.max(this.#newestNotBefore, active?.notBefore ?? -Infinity)
    const settled = settle(material, state, active, now)
    if (settled !== state) this.#parts.state.set(settled)
    return { ...standing, state: settled }
  }

  #standing(name: string): Standing | undefined {
    const material = this.#materials.get(name)
    return (
      material && {
        material,
        state: this.#parts.state.get(name),
        versions: this.#parts.versions.list(name),
        mode: this.#mode,
        now: this.#parts.clock.now(),
        doubt: this.#look.doubt,
      }
    )
  }

  #show(standing: Standing, now: number): void {
    const { name } = standing.material
    const shown = stateOf(standing, this.#desk.isRotating(name))
    const text = `${shown.state} ${shown.reason ?? ''}`
    if (this.#shown.get(name) === text) return
    this.#shown.set(name, text)
    this.#parts.events.emit('material.state', now, { material: name, ...shown })
  }

  #push(wake: Wake): void {
    this.#wakes.set(wake.material, wake)
    this.#heap.push(wake)
  }

  #pause(): number {
    const { clock, tick = defaultTick } = this.#parts
    if (this.#look.suspect !== undefined || this.#stale) return tick
    const next = (this.#heap.peek()?.at ?? Infinity) - clock.now()
    return Math.min(tick, Math.max(1, next))
  }
}

function byName(materials: readonly ScheduledMaterial[]): ReadonlyMap<string, ScheduledMaterial> {
  return new Map(materials.map((material) => [material.name, material]))
}
