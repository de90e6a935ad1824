import type { Unfinished } from '../store/journal.ts'
import type { ScheduleState } from '../store/schedule-state.ts'
import { messageOf } from '../support/operator-error.ts'
import { close } from './closing.ts'
import type { Engine } from './engine.ts'
import type { Inspections } from './inspections.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import { driftPrefix, isReconcileAttention, reconcile, unfinishedPrefix } from './reconcile.ts'
import { recover } from './recovery.ts'
import type { StartOptions } from './request.ts'

const restoredStore = 'the store was restored from a backup'

/** What happens once at every start, before anything is due: recovery, reconcile, first versions. */
export class Starting {
  readonly #parts: EngineParts
  readonly #materials: ReadonlyMap<string, ManagedMaterial>
  readonly #inspections: Inspections
  readonly #engine: Pick<Engine, 'apply' | 'rotate'>
  readonly #rotating: Set<string>

  /** @param rotating the names of those that are rotating now, as operators see it */
  constructor(
    parts: EngineParts,
    materials: ReadonlyMap<string, ManagedMaterial>,
    inspections: Inspections,
    engine: Pick<Engine, 'apply' | 'rotate'>,
    rotating: Set<string>,
  ) {
    this.#parts = parts
    this.#materials = materials
    this.#inspections = inspections
    this.#engine = engine
    this.#rotating = rotating
  }

  /** @param park ends it where that is safe */
  async run({ restored = false, hold = false }: StartOptions, park: AbortSignal): Promise<void> {
    for (const unfinished of this.#parts.journal.unfinished()) {
      if (restored) close(this.#parts, unfinished.rotation, restoredStore)
      else await this.#recover(unfinished, park)
    }
    const missing: ManagedMaterial[] = []
    for (const material of this.#settled()) {
      const block = (reason: string) => this.#attention(material.name, driftPrefix + reason)
      // Not drift, which would be over as soon as the targets agree: a person has to look, also after more starts.
      if (restored) this.#attention(material.name, restoredStore)
      else if (this.#isWaiting(material.name)) await this.#inspections.look(material)
      else {
        const create = () => void missing.push(material)
        await this.#reconcile(material, create).catch((error: unknown) => block(messageOf(error)))
      }
    }
    for (const { name } of missing) this.#dueNow(name)
    if (!hold) await this.#create(missing)
  }

  /** One that does not come to an end must not hold up the others. */
  async #recover(unfinished: Unfinished, park: AbortSignal): Promise<void> {
    const names = unfinished.rotation.changes.map(({ material }) => material)
    for (const name of names) this.#rotating.add(name)
    try {
      await recover(this.#parts, this.#materials, unfinished, park)
    } catch (error) {
      if (park.aborted) throw error
      for (const name of names) this.#attention(name, unfinishedPrefix + messageOf(error))
    } finally {
      for (const name of names) this.#rotating.delete(name)
    }
  }

  /** Those of which no rotation is open: what their targets hold is final. */
  #settled(): readonly ManagedMaterial[] {
    const open = this.#parts.journal
      .unfinished()
      .flatMap(({ rotation }) => rotation.changes.map(({ material }) => material))
    return [...this.#materials.values()].filter(({ name }) => !open.includes(name))
  }

  #isWaiting(name: string): boolean {
    return this.#parts.schedule.get(name).attention === restoredStore
  }

  async #reconcile(material: ManagedMaterial, create: () => void): Promise<void> {
    await tidy(material)
    const { answer, inspected } = await reconcile(this.#parts, material)
    const { name } = material
    this.#inspections.note(name, inspected)
    if (answer.do === 'block') return this.#attention(name, answer.reason)
    const { schedule } = this.#parts
    if (isReconcileAttention(schedule.get(name).attention)) settleAttention(schedule, name)
    if (answer.do === 'create') create()
    if (answer.do !== 'rewrite') return
    await this.#engine.apply(name, { who: 'recovery', why: 'lost rename' }).done
  }

  /** First versions, with one restart for all that have the same consumers; what fails is due anyway. */
  async #create(missing: readonly ManagedMaterial[]): Promise<void> {
    const sets = Map.groupBy(missing, ({ consumers }) => consumers.map(({ name }) => name).join())
    const actor = { who: 'schedule', why: 'first version' }
    for (const set of sets.values()) {
      const materials = set.map(({ name }) => name)
      const { done } = this.#engine.rotate({ materials, trigger: 'schedule', actor, wait: true })
      await done.catch(() => {})
    }
  }

  #dueNow(name: string): void {
    const { schedule, clock } = this.#parts
    schedule.set({ ...schedule.get(name), due: clock.now() })
  }

  #attention(name: string, attention: string): void {
    const { schedule } = this.#parts
    schedule.set({ ...schedule.get(name), attention })
  }
}

/** A crash before the journal knew of a rotation leaves the probes of its checks beside the places. */
async function tidy({ targets }: ManagedMaterial): Promise<void> {
  // A place that cannot be reached is reported by what comes next.
  for (const target of targets) await target.tidy(AbortSignal.timeout(60_000)).catch(() => {})
}

/** A person has decided, or the reason is gone. */
export function settleAttention(schedule: ScheduleState, name: string): void {
  const { attention: _, ...state } = schedule.get(name)
  schedule.set(state)
}
