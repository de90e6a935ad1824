import type { Event } from '../../src/model/events.ts'
import { Events } from '../../src/model/events.ts'
import { Engine } from '../../src/rotation/engine.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import type { EngineParts, Outcome } from '../../src/rotation/outcome.ts'
import type { MaterialSchedule } from '../../src/store/schedule-state.ts'
import type { Store } from '../../src/store/store.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { MemoryWorld } from '../fakes/memory-world.ts'
import { ScratchStore } from '../store/scratch-store.ts'

/**
 * An engine on a real store and a world in memory. The store lies in a scratch folder of its own, unless one
 * is given that several share: that a store survives a crash is tested where it is made.
 */
export class ScratchEngine {
  readonly world = new MemoryWorld()
  readonly clock = new HurryingClock()
  readonly events = new Events()
  readonly seen: Event[] = []
  readonly outcomes: Outcome[] = []
  readonly archived = new Map<string, string>()
  readonly #scratch: ScratchStore | undefined
  bootId = 'boot-1'
  store!: Store
  engine!: Engine
  parts!: EngineParts

  constructor(shared?: Store) {
    if (shared) this.store = shared
    else this.#scratch = new ScratchStore()
    this.events.onAny((event) => void this.seen.push(event))
  }

  async create(materials: readonly ManagedMaterial[]): Promise<Engine> {
    if (this.#scratch) this.store = await this.#scratch.create({ clock: this.clock })
    return this.#assemble(materials)
  }

  /** As after a crash or stop: the same store and world, everything else new. */
  async restart(materials: readonly ManagedMaterial[]): Promise<Engine> {
    if (this.#scratch) {
      this.store.close()
      this.store = await this.#scratch.open({ clock: this.clock })
    }
    this.world.dead = false
    this.world.before = () => {}
    return this.#assemble(materials)
  }

  dispose(): void {
    this.#scratch?.dispose()
  }

  #assemble(materials: readonly ManagedMaterial[]): Engine {
    const { keys, schedule } = this.store
    this.parts = {
      keys: this.#mortal(keys, 'keys', ['put', 'change']),
      journal: this.#mortal(this.store.journal, 'journal', journaled),
      schedule,
      clock: this.clock,
      events: this.events,
      bootId: this.bootId,
      settle: (outcome) => this.#settle(outcome),
      archive: async (material, version, part, bytes) => {
        this.archived.set(`${material}/${version}-${part}`, Buffer.from(bytes).toString())
      },
    }
    this.engine = new Engine(this.parts, materials)
    return this.engine
  }

  #settle(outcome: Outcome): MaterialSchedule {
    this.outcomes.push(outcome)
    const { attention: _, ...state } = this.store.schedule.get(outcome.material)
    if (outcome.result !== 'needs_attention') return state
    return { ...state, attention: outcome.detail ?? outcome.result }
  }

  /** A store whose writes are effects of the world too: they can fail, and the dead write nothing. */
  #mortal<T extends object>(part: T, called: string, writes: readonly string[]): T {
    const { world } = this
    return new Proxy(part, {
      get(target, name: string & keyof T) {
        const method = target[name] as (...args: unknown[]) => unknown
        return (...args: unknown[]) => {
          if (writes.includes(name)) world.before(`${called} ${name}`)
          if (world.dead) throw new Error('dead')
          return method.apply(target, args)
        }
      },
    })
  }
}

const journaled = ['begin', 'started', 'ended', 'hold', 'turn', 'again', 'finish']
