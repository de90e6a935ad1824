import { activeOf, agenda, type Item, type Standing } from './agenda.ts'
import { emergencyLine } from './emergency.ts'
import { fraction } from './jitter.ts'
import { Pace } from './pace.ts'
import { afterAttempt, nextDue } from './policy.ts'
import { RestartLimit } from './restart-limit.ts'
import { type Candidate, rotationSet } from './rotation-set.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'
import type { SchedulerParts } from './scheduler-parts.ts'
import { Work } from './work.ts'

const hour = 3_600_000

/** Where what is due is handed on: decides what has to wait all the same, gathers sets, notes the ends. */
export class Desk {
  readonly #parts: SchedulerParts
  readonly #standing: (material: string) => Standing | undefined
  readonly #ended: (material: string) => void
  readonly #restarts: RestartLimit
  readonly #pace = new Pace()
  readonly #work = new Work()
  /** When each material is polled next. */
  readonly #polls = new Map<string, number>()
  readonly #consumers = new Map<string, string[]>()
  #stopping = false

  /** @param ended called for each material with which something has ended */
  constructor(
    parts: SchedulerParts,
    standing: (material: string) => Standing | undefined,
    ended: (material: string) => void,
  ) {
    this.#parts = parts
    this.#standing = standing
    this.#ended = ended
    this.#restarts = new RestartLimit(parts.maxRestarts ?? new Map(), parts.events)
  }

  takeOver(materials: readonly ScheduledMaterial[]): void {
    this.#consumers.clear()
    for (const { name, consumers } of materials) {
      for (const consumer of consumers) {
        const names = this.#consumers.get(consumer)
        if (names) names.push(name)
        else this.#consumers.set(consumer, [name])
      }
    }
  }

  /** The clock has jumped: what that made due must not run all at once. */
  pace(now: number): void {
    this.#pace.begin(now)
  }

  isRotating(material: string): boolean {
    return this.#work.isRotating(material)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#work.settled()
    this.#restarts.stop()
  }

  /**
   * Starts what is due for one material, one thing at a time.
   * @returns when to look again: Infinity when something is under way, whose end asks for it
   */
  attend(standing: Standing): number {
    const { material, now } = standing
    if (this.#work.isBusy(material.name)) return Infinity
    const items = agenda(standing).map((item) => ({ ...item, at: this.#from(item, standing) }))
    const due = items.filter(({ at }) => at <= now)
    const item = due.find(({ action }) => action === 'rotate') ?? due[0]
    const poll = this.#nextPoll(standing)
    if (item) this.#begin(item, standing)
    else if (poll <= now) this.#poll(standing)
    else return Math.min(poll, ...items.map(({ at }) => at), ...turns(standing))
    return Infinity
  }

  /** From when on an item may really be begun. */
  #from(item: Item, standing: Standing): number {
    const { material, now } = standing
    const at = Math.max(item.at, this.#work.heldUntil(keyOf(item)))
    if (at > now) return at
    if (item.action === 'destroy') return now + Math.max(0, this.#uptimeLacking(item, standing))
    if (item.action === 'announce') return now
    const spent = item.emergency ? undefined : this.#restarts.heldUntil(material, now)
    return spent ?? (item.action === 'rotate' ? this.#pace.slotOf(material.name, now) : now)
  }

  /** Destroying needs the clock since boot, too: an hour of it, or the whole time where that was less. */
  #uptimeLacking({ version }: Item, { versions }: Standing): number {
    const { keepUntil = 0, createdAt = 0 } = versions.find(({ number }) => number === version) ?? {}
    return Math.min(hour, keepUntil - createdAt) - this.#parts.clock.sinceBoot()
  }

  #begin(item: Item, standing: Standing): void {
    if (item.action === 'rotate') return this.#rotate(item, standing)
    const { perform, clock } = this.#parts
    const { material, action, version = 0 } = item
    const task = () => {
      if (action === 'announce') return perform.announce(material)
      if (action === 'destroy') return perform.destroy(material, version)
      return perform.endOverlap(material, version)
    }
    const { consumers } = standing.material
    if (action === 'end-overlap') this.#restarts.note(consumers, 1)
    this.#work.start([material], action, task, (failed) => {
      if (action === 'end-overlap') this.#restarts.note(consumers, -1)
      this.#work.hold(keyOf(item), clock.now(), failed)
      this.#ended(material)
    })
  }

  #rotate(item: Item, standing: Standing): void {
    const { perform, state } = this.#parts
    const others = this.#neighbours(standing)
    const names = rotationSet(candidate(standing, item), others, standing.now)
    const before = new Map(names.map((name) => [name, state.get(name).lastAttempt]))
    for (const name of names) this.#pace.used(name)
    const { consumers } = standing.material
    this.#restarts.note(consumers, 1)
    this.#work.start(
      names,
      'rotate',
      () => perform.rotate(names),
      () => {
        this.#restarts.note(consumers, -1)
        for (const [name, lastAttempt] of before) {
          this.#guarded(() => this.#recordUnrecorded(name, lastAttempt, names.length === 1))
          this.#ended(name)
        }
      },
    )
  }

  /** Those that share a consumer with it and are not busy, as of the same moment: else none would be due yet. */
  #neighbours({ material: { name, consumers }, now }: Standing): readonly Candidate[] {
    const names = new Set(consumers.flatMap((consumer) => this.#consumers.get(consumer) ?? []))
    names.delete(name)
    return [...names].flatMap((other) => {
      const standing = this.#work.isBusy(other) ? undefined : this.#standing(other)
      const items = standing && agenda({ ...standing, now })
      const item = items?.find(({ action }) => action === 'rotate')
      return standing && item ? [candidate(standing, item)] : []
    })
  }

  /** An attempt that ended before the journal knew of it counts as a failure: it must not be repeated at once. */
  #recordUnrecorded(name: string, lastAttempt: number | undefined, alone: boolean): void {
    const standing = this.#standing(name)
    if (!standing || this.#stopping || standing.state.lastAttempt !== lastAttempt) return
    const { material, state, versions, now } = standing
    const outcome = { trigger: 'schedule', result: 'failed', blamed: true, alone, now } as const
    this.#parts.state.set(afterAttempt(material, state, outcome, activeOf(versions)))
  }

  #nextPoll({ material, now }: Standing): number {
    const { name, schedule } = material
    if (schedule.poll === undefined) return Infinity
    const known = this.#polls.get(name)
    if (known !== undefined) return Math.min(known, now + schedule.poll)
    const first = now + fraction(name) * schedule.poll
    this.#polls.set(name, first)
    return first
  }

  #poll({ material, now }: Standing): void {
    const { name, schedule } = material
    this.#polls.set(name, now + (schedule.poll ?? Infinity))
    const task = async () => {
      if (await this.#parts.perform.changed(name)) this.#guarded(() => this.#noteChange(name))
    }
    // Could not tell: it is asked again at the next poll, and says nothing until then.
    this.#work.start([name], 'poll', task, () => this.#ended(name))
  }

  #noteChange(name: string): void {
    const standing = this.#standing(name)
    if (!standing) return
    const { material, state, versions, now } = standing
    if (!material.schedule.watches) {
      if (state.due === undefined || state.due > now) this.#parts.state.set({ ...state, due: now })
      return
    }
    const due = nextDue(material, now, activeOf(versions))
    const seen = { ...state, failures: 0, lastRotation: now }
    this.#parts.state.set(due === undefined ? seen : { ...seen, due })
  }

  /** What cannot be written now is found out again from versions and dates. */
  #guarded(write: () => void): void {
    try {
      write()
    } catch {
      this.#parts.events.emit('store.error', this.#parts.clock.now(), { operation: 'schedule' })
    }
  }
}

function candidate({ material, state }: Standing, item: Item): Candidate {
  return { material, item, failures: state.failures }
}

function keyOf({ material, action, version }: Item): string {
  return `${material} ${action} ${version ?? ''}`
}

/** When the state that is shown changes by itself. */
function turns({ state, versions, now }: Standing): readonly number[] {
  const moments = [state.due, state.paused?.until, emergencyLine(activeOf(versions))]
  return moments.filter((moment) => moment !== undefined && moment > now) as number[]
}
