import type { Event } from '../../src/model/events.ts'
import { Events } from '../../src/model/events.ts'
import { Engine } from '../../src/rotation/engine.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import type { Outcome } from '../../src/rotation/outcome.ts'
import type { Journal } from '../../src/store/journal.ts'
import type { MaterialSchedule } from '../../src/store/schedule-state.ts'
import type { Store } from '../../src/store/store.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { MemoryWorld } from '../fakes/memory-world.ts'
import { ScratchStore } from '../store/scratch-store.ts'

/** An engine on a real store in a scratch folder and a world in memory. */
export class ScratchEngine {
  readonly world = new MemoryWorld()
  readonly clock = new HurryingClock()
  readonly events = new Events()
  readonly seen: Event[] = []
  readonly outcomes: Outcome[] = []
  readonly archived = new Map<string, string>()
  readonly #scratch = new ScratchStore()
  bootId = 'boot-1'
  store!: Store
  engine!: Engine

  constructor() {
    this.events.onAny((event) => void this.seen.push(event))
  }

  async create(materials: readonly ManagedMaterial[]): Promise<Engine> {
    this.store = await this.#scratch.create({ clock: this.clock })
    return this.#assemble(materials)
  }

  /** As after a crash or stop: the same store and world, everything else new. */
  async restart(materials: readonly ManagedMaterial[]): Promise<Engine> {
    this.store.close()
    this.world.dead = false
    this.world.before = () => {}
    this.store = await this.#scratch.open({ clock: this.clock })
    return this.#assemble(materials)
  }

  dispose(): void {
    this.#scratch.dispose()
  }

  #assemble(materials: readonly ManagedMaterial[]): Engine {
    const { keys, schedule } = this.store
    this.engine = new Engine(
      {
        keys,
        journal: this.#mortal(this.store.journal),
        schedule,
        clock: this.clock,
        events: this.events,
        bootId: this.bootId,
        settle: (outcome) => this.#settle(outcome),
        archive: async (material, version, part, bytes) => {
          this.archived.set(`${material}/${version}-${part}`, Buffer.from(bytes).toString())
        },
      },
      materials,
    )
    return this.engine
  }

  #settle(outcome: Outcome): MaterialSchedule {
    this.outcomes.push(outcome)
    const { attention: _, ...state } = this.store.schedule.get(outcome.material)
    if (outcome.result !== 'needs_attention') return state
    return { ...state, attention: outcome.detail ?? outcome.result }
  }

  /** A journal whose writes are effects of the world too: it can fail, and the dead write nothing. */
  #mortal(journal: Journal): Journal {
    const { world } = this
    return new Proxy(journal, {
      get(target, name: keyof Journal) {
        const method = target[name].bind(target) as (...args: unknown[]) => unknown
        return (...args: unknown[]) => {
          world.before(`journal ${name}`)
          if (world.dead) throw new Error('dead')
          return method(...args)
        }
      },
    })
  }
}
