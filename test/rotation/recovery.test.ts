import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isMadeHere, type ManagedMaterial } from '../../src/rotation/managed.ts'
import type { Store } from '../../src/store/store.ts'
import {
  MemoryConsumer,
  MemoryTarget,
  type MemoryWorld,
  memoryMaterial,
} from '../fakes/memory-world.ts'
import { ScratchStore } from '../store/scratch-store.ts'
import { rotateOne, type Shape, shapes } from './crash-shapes.ts'
import { ScratchEngine } from './scratch-engine.ts'

/** A crash before one of these finds the world as the one before it does. */
const leavesNothing = /^(check|journal ended)/

const manual = { trigger: 'manual' as const, actor: { who: 'cli:alice' }, wait: false }

/** In memory where there is such a folder: only what is written matters here, not whether it is synced. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const scratchStore = new ScratchStore(mkdtempSync(join(folder, 'rekeyd-recovery-')))
let store: Store
let runs = 0

before(async () => {
  store = await scratchStore.create()
})
after(() => scratchStore.dispose())

describe('recovery', () => {
  for (const [words, shape] of Object.entries(shapes)) {
    it(`ends wholly old or wholly new after a crash before any effect: ${words}`, async () => {
      await eachPoint((point) => new Run(shape).crashAt(point))
    })

    if (shape.act === rotateOne && !shape.before) {
      it(`makes the first version wholly or not at all: ${words}`, async () => {
        await eachPoint((point) => new Run({ ...shape, act: undefined }).crashAt(point))
      })
    }

    if (!shape.returns) continue
    it(`ends wholly old after a crash before any effect of the way back: ${words}`, async () => {
      await eachPoint((point) => new Run(shape, true).crashAt(point))
    })
  }

  for (const words of ['an offline place', 'a place for the previous version']) {
    it(`survives a second crash before any effect of the recovery: ${words}`, async () => {
      const shape = shapes[words]
      assert.ok(shape)
      await eachPoint(async (point) => {
        let isOver = false
        await eachPoint(async (again) => {
          const run = new Run(shape)
          isOver = await run.crashAt(point, again)
          return isOver || run.isWholeRecovery
        })
        return isOver
      })
    })
  }

  it('gives the previous version back when going on was interrupted too often', async () => {
    const { scratch, name, first } = await crashedAt('restart')
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await again(scratch, name, 'restart')
      assert.notEqual(scratch.world.places.get(`/${name}`), first)
    }
    await again(scratch, name)
    assert.equal(scratch.world.places.get(`/${name}`), first)
    const [rotation] = store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'rolled_back')
    assert.match(rotation?.detail ?? '', /interrupted too often/)
  })

  it('shows a material as rotating for as long as it is being recovered', async () => {
    const { scratch, name } = await crashedAt('restart')
    await scratch.restart([memoryMaterial(scratch.world, name)])
    const shown: boolean[] = []
    scratch.world.before = (effect) => {
      if (effect === `restart ${name}-server`) shown.push(scratch.engine.isRotating(name))
    }
    await scratch.engine.start()
    assert.deepEqual(shown, [true])
    assert.equal(scratch.engine.isRotating(name), false)
  })
})

/** Until `run` says that its point came too late to interrupt anything. */
async function eachPoint(run: (point: number) => Promise<boolean>): Promise<void> {
  for (let point = 1; !(await run(point)); point += 1) assert.ok(point < 200, 'never ends')
}

/** One life of a material, with a crash in it. */
class Run {
  readonly name = `key-${(runs += 1)}`
  readonly scratch = new ScratchEngine(store)
  readonly #shape: Omit<Shape, 'act'> & { readonly act: Shape['act'] | undefined }
  readonly #materials: readonly ManagedMaterial[]
  readonly #failing: boolean
  isWholeRecovery = false

  /** @param shape without `act`, the first start itself is interrupted */
  constructor(
    shape: Omit<Shape, 'act'> & { readonly act: Shape['act'] | undefined },
    failing = false,
  ) {
    this.#shape = shape
    this.#failing = failing
    const suffixes = shape.act ? (shape.places ?? ['']) : []
    for (const suffix of suffixes) {
      this.scratch.world.places.set(`/${this.name}${suffix}`, `adopted ${this.name}`)
    }
    this.#materials = shape.materials(this.scratch.world, this.name)
  }

  /** @returns whether everything ended before the crash point came */
  async crashAt(point: number, again?: number): Promise<boolean> {
    const { scratch, name } = this
    const { act, before } = this.#shape
    const engine = await scratch.create(this.#materials)
    let values: ReadonlyMap<string, string> = new Map()
    if (act) {
      await engine.start()
      await before?.(engine, name, scratch.world)
      scratch.clock.pass(86_400_000)
      values = new Map(scratch.world.places)
      if (this.#failing) this.#fail(values)
    }
    const crashed = await this.#untilCrash(point, () => (act ? act(engine, name) : engine.start()))
    if (again !== undefined) {
      const second = await scratch.restart(this.#materials)
      this.isWholeRecovery = !(await this.#untilCrash(again, () => second.start()))
    }
    await (await scratch.restart(this.#materials)).start()
    this.#assertWhole(values)
    return !crashed
  }

  async #untilCrash(point: number, act: () => Promise<unknown> | undefined): Promise<boolean> {
    const { world } = this.scratch
    let effects = 0
    world.before = (effect) => {
      if (leavesNothing.test(effect)) return
      effects += 1
      if (effects === point) world.dead = true
    }
    let ended = false
    act()?.then(
      () => (ended = true),
      () => (ended = true),
    )
    await settle(() => ended, world)
    assert.ok(world.dead || ended, 'it neither ended nor crashed')
    return world.dead
  }

  /** Nothing but what is there now is ever proved. */
  #fail(values: ReadonlyMap<string, string>): void {
    for (const { verifiers } of this.#materials) {
      for (const verifier of verifiers) {
        const ask = verifier.accepts.bind(verifier)
        verifier.accepts = async (edition, signal) => {
          const value = (await edition.bytes()).bytes.toString()
          const known = [...values.values()].includes(value)
          return known && value === values.get(verifier.subject)
            ? ask(edition, signal)
            : { yes: false, reason: 'unseen' }
        }
      }
    }
  }

  /** I3, I4 and I6 of the promise: store and world agree, everybody runs on it, nothing is left over. */
  #assertWhole(before: ReadonlyMap<string, string>): void {
    const { world } = this.scratch
    assert.deepEqual(store.journal.unfinished(), [])
    for (const material of this.#materials) {
      const { name, targets } = material
      const active = store.keys.active(name)
      assert.ok(active)
      const live = world.places.get(`/${name}`)
      const { attention } = store.schedule.get(name)
      if (this.#shape.drifted && attention !== undefined) {
        assert.equal(live, before.get(`/${name}`))
        continue
      }
      assert.equal(attention, undefined)
      const value = isMadeHere(material) ? valueOf(name, active.number) : active.fingerprint
      assert.equal(live, value, 'the store names what the place holds')
      const tries = store.journal.history({ material: name, limit: 1 })[0]?.tries
      if (this.#failing && tries === 1) assert.equal(value, before.get(`/${name}`))
      if (world.places.has(`/${name}-second`))
        assert.equal(world.places.get(`/${name}-second`), value)
      assert.equal(world.places.get(`/${name}-old`), shown(name, 'retiring'))
      assert.equal(world.places.get(`/${name}-next`), shown(name, 'prepared'))
      for (const target of targets) {
        if (target instanceof MemoryTarget) assert.equal(target.leftovers, 0)
      }
      for (const { consumer } of material.consumers) {
        assert.ok(consumer instanceof MemoryConsumer)
        assert.equal(consumer.running, true, 'the consumer runs')
        assert.equal(consumer.serving.get(`/${name}`), value, 'the consumer serves it')
      }
    }
  }
}

/** The value of the version in this state, where there is one. */
function shown(name: string, state: 'retiring' | 'prepared'): string | undefined {
  const [version, ...others] = store.keys.list(name).filter((version) => version.state === state)
  assert.deepEqual(others, [], `one version is ${state}`)
  return version && valueOf(name, version.number)
}

function valueOf(name: string, number: number): string | undefined {
  return store.keys.secret(name, number)['value']?.bytes.toString()
}

/** A rotation that died when its consumer was to restart. */
async function crashedAt(verb: string) {
  const { scratch, name } = new Run({ materials: () => [], act: undefined })
  const material = memoryMaterial(scratch.world, name)
  const engine = await scratch.create([material])
  await engine.start()
  const first = scratch.world.places.get(`/${name}`)
  dieAt(scratch, `${verb} ${name}-server`)
  engine.rotate({ materials: [name], ...manual }).done.catch(() => {})
  await settle(() => false, scratch.world)
  return { scratch, name, first }
}

/** The next start, which dies as well where a verb is named. */
async function again(scratch: ScratchEngine, name: string, verb?: string): Promise<void> {
  await scratch.restart([memoryMaterial(scratch.world, name)])
  if (verb === undefined) return scratch.engine.start()
  dieAt(scratch, `${verb} ${name}-server`)
  scratch.engine.start().catch(() => {})
  await settle(() => false, scratch.world)
}

function dieAt({ world }: ScratchEngine, effect: string): void {
  world.before = (next) => {
    if (next === effect) world.dead = true
  }
}

/** Until it has ended, or died and come to rest: the clock hurries, so only immediates are waited for. */
async function settle(ended: () => boolean, world: MemoryWorld): Promise<void> {
  for (let turn = 0, rest = 0; turn < 300 && rest < 30 && !ended(); turn += 1) {
    if (world.dead) rest += 1
    await new Promise((resolve) => setImmediate(resolve))
  }
}
