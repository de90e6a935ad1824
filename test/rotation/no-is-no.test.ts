import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Verb } from '../../src/consumers/consumer.ts'
import type { Store } from '../../src/store/store.ts'
import {
  MemoryConsumer,
  MemoryTarget,
  MemoryVerifier,
  memoryMaterial,
} from '../fakes/memory-world.ts'
import { ScratchStore } from '../store/scratch-store.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }

/** In memory where there is such a folder: nothing here is about what survives. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const scratchStore = new ScratchStore(mkdtempSync(join(folder, 'rekeyd-no-')))
let store: Store
let runs = 0

before(async () => {
  store = await scratchStore.create()
})
after(() => scratchStore.dispose())

/** A host with one material, of whose versions only the first is any good. */
const host = fc.record({
  places: fc.uniqueArray(fc.record({ suffix: fc.constantFrom('', '-b'), offline: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
    selector: ({ suffix }) => suffix,
  }),
  hasPrevious: fc.boolean(),
  consumers: fc.integer({ min: 1, max: 2 }),
  /** How long a consumer takes to start, in milliseconds. */
  start: fc.integer({ min: 0, max: 60_000 }),
  dwell: fc.constantFrom(1, 500, 1_000, 2_000, 5_000, 10_000),
  hasReadiness: fc.boolean(),
})
type Host = typeof host extends fc.Arbitrary<infer T> ? T : never

/** What is wrong with every other version. */
const faults = [
  'is not served',
  'is not served after the dwell',
  'leaves the verifier in doubt',
  'leaves the old one in use',
  'keeps the consumer from starting',
  'keeps the consumer from being ready',
] as const

describe('a verifier that says no', () => {
  it('has the old value back and the consumer well within 10 s and its start, in 500 of 500 runs', async () => {
    await fc.assert(
      fc.asyncProperty(host, fc.constantFrom(...faults), async (given, fault) => {
        const run = new Run(given)
        await run.settle()
        run.spoil(fault)
        const rotation = await run.rotate()
        assert.equal(rotation.result, 'rolled_back', rotation.detail)
        run.assertAsBefore()
        assert.ok(run.wayBack <= 10_000 + run.starts * given.start, `${run.wayBack} ms`)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a consumer that dies within the dwell', () => {
  it('is never reported as success, in 200 of 200 runs', async () => {
    const within = fc.double({ min: 0, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(host, within, async (given, share) => {
        const run = new Run(given)
        await run.settle()
        run.dieAfterStart(Math.floor(share * given.dwell))
        const rotation = await run.rotate()
        assert.equal(rotation.result, 'rolled_back', rotation.detail)
        run.assertAsBefore()
      }),
      { numRuns: 200 },
    )
  })
})

/** Takes its time to start, and can be told what it does with which value. */
class Server extends MemoryConsumer {
  readonly #run: Run
  startedAt = 0

  constructor(run: Run, name: string, reads: readonly string[]) {
    super(run.scratch.world, name, reads)
    this.#run = run
  }

  override async start(): Promise<void> {
    await super.start()
    await this.#begin()
  }

  override async apply(verb: Verb): Promise<void> {
    await super.apply(verb)
    await this.#begin()
  }

  async #begin(): Promise<void> {
    const run = this.#run
    run.starts += 1
    await run.scratch.clock.sleep(run.given.start)
    this.startedAt = run.scratch.clock.now()
    if (run.fault !== 'keeps the consumer from starting' || run.serves(this)) return
    this.running = false
    throw new Error('exit 1')
  }
}

class Run {
  readonly name = `key-${(runs += 1)}`
  readonly scratch = new ScratchEngine(store)
  readonly given: Host
  readonly servers: readonly Server[]
  readonly #paths: readonly string[]
  readonly #targets: readonly MemoryTarget[]
  readonly #verifiers: readonly MemoryVerifier[]
  #values: ReadonlyMap<string, string> = new Map()
  #turned: number | undefined
  fault: (typeof faults)[number] | undefined
  /** How often a consumer was started on the way back. */
  starts = 0

  constructor(given: Host) {
    this.given = given
    const { world } = this.scratch
    const { places, consumers, hasPrevious } = given
    this.#paths = places.map(({ suffix }) => `/${this.name}${suffix}`)
    for (const path of this.#paths) world.places.set(path, `adopted ${this.name}`)
    this.#targets = [
      ...places.map(({ offline }, index) => {
        return new MemoryTarget(world, this.#paths[index] ?? '', { offline })
      }),
      ...(hasPrevious ? [new MemoryTarget(world, `/${this.name}-old`, { role: 'previous' })] : []),
    ]
    this.servers = Array.from({ length: consumers }, (_, index) => {
      return new Server(this, `${this.name}-server-${index}`, this.#paths)
    })
    this.#verifiers = this.servers.map((server) => {
      return new MemoryVerifier(server, this.#paths[0] ?? '')
    })
  }

  /** Adopts what is there. */
  async settle(): Promise<void> {
    const { given, scratch } = this
    const consumers = this.servers.map((server, index) => {
      const [verifier] = this.#verifiers.slice(index)
      const ready = given.hasReadiness && verifier ? [verifier] : []
      return server.managed({ ready, dwell: given.dwell })
    })
    const material = memoryMaterial(scratch.world, this.name, {
      targets: this.#targets,
      consumers,
      verifiers: this.#verifiers,
      overlap: given.hasPrevious ? 1_000 : 0,
    })
    const engine = await scratch.create([material])
    await engine.start()
    this.#values = new Map(scratch.world.places)
    scratch.world.before = (effect) => {
      if (effect !== 'journal turn') return
      this.#turned = scratch.clock.now()
      this.starts = 0
    }
  }

  rotate() {
    const order = { materials: [this.name], trigger: 'manual' as const, actor, wait: false }
    return this.scratch.engine.rotate(order).done
  }

  /** Whether it runs on what was there first. */
  serves(server: MemoryConsumer): boolean {
    return this.#paths.every((path) => server.serving.get(path) === this.#values.get(path))
  }

  spoil(fault: (typeof faults)[number]): void {
    this.fault = fault
    for (const [index, verifier] of this.#verifiers.entries()) {
      const server = this.servers[index]
      assert.ok(server)
      const [accepts, ready] = [verifier.accepts.bind(verifier), verifier.ready.bind(verifier)]
      let asked = 0
      verifier.accepts = async (edition) => {
        if (this.serves(server)) return accepts(edition)
        asked += 1
        if (fault === 'leaves the verifier in doubt') throw new Error('timed out')
        if (fault === 'is not served after the dwell' && asked === 1) return accepts(edition)
        const isBad = fault.startsWith('is not served')
        return isBad ? { yes: false, reason: 'unseen' } : accepts(edition)
      }
      const refuses = verifier.refuses.bind(verifier)
      verifier.refuses = async (edition) =>
        fault === 'leaves the old one in use' && !this.serves(server)
          ? { yes: false, reason: 'both work' }
          : refuses(edition)
      verifier.ready = async () =>
        fault === 'keeps the consumer from being ready' && !this.serves(server)
          ? { yes: false, reason: 'is not ready' }
          : ready()
    }
    // What cannot show in this world is the plainest fault instead.
    const overlaps = fault === 'leaves the old one in use' && this.given.hasPrevious
    const unready = fault === 'keeps the consumer from being ready' && !this.given.hasReadiness
    if (overlaps || unready) this.spoil('is not served')
  }

  /** Whoever was started on something new is dead so many milliseconds later. */
  dieAfterStart(milliseconds: number): void {
    for (const [index, verifier] of this.#verifiers.entries()) {
      const server = this.servers[index]
      assert.ok(server)
      const live = () => {
        const age = this.scratch.clock.now() - server.startedAt
        if (!this.serves(server) && age >= milliseconds) server.running = false
      }
      const [accepts, ready] = [verifier.accepts.bind(verifier), verifier.ready.bind(verifier)]
      verifier.accepts = async (edition) => {
        live()
        return accepts(edition)
      }
      verifier.ready = async () => {
        live()
        return ready()
      }
    }
  }

  /** From the turn until the last consumer was up again, in milliseconds of the clock. */
  get wayBack(): number {
    assert.ok(this.#turned !== undefined, 'it never turned')
    return Math.max(...this.servers.map(({ startedAt }) => startedAt)) - this.#turned
  }

  assertAsBefore(): void {
    const { places } = this.scratch.world
    assert.deepEqual(new Map(places), this.#values)
    assert.equal(store.keys.active(this.name)?.number, 1)
    for (const server of this.servers) {
      assert.equal(server.running, true, 'the consumer runs')
      assert.ok(this.serves(server), 'the consumer runs on the old value')
    }
    assert.deepEqual(store.journal.unfinished(), [])
  }
}
