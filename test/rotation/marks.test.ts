import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isMadeHere, type ManagedMaterial } from '../../src/rotation/managed.ts'
import type { Store } from '../../src/store/store.ts'
import { MemoryConsumer } from '../fakes/memory-world.ts'
import { ScratchStore } from '../store/scratch-store.ts'
import { type Shape, shapes } from './crash-shapes.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }

/** Nothing else can happen in the middle of what waits for nothing. */
const isSynchronous = /^(journal|keys|check) /

/** In memory where there is such a folder: nothing here is about what survives. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const scratchStore = new ScratchStore(mkdtempSync(join(folder, 'rekeyd-marks-')))
let store: Store
let runs = 0

before(async () => {
  store = await scratchStore.create()
})
after(() => scratchStore.dispose())

describe('a compromise in the middle of a rotation', () => {
  for (const [words, shape] of Object.entries(shapes)) {
    it(`replaces every live version, whichever effect it comes before: ${words}`, async () => {
      await eachPoint((point) => compromisedAt(shape, point))
    })

    if (!shape.returns) continue
    it(`leaves nothing that leaked in use although nothing new is ever proved: ${words}`, async () => {
      await eachPoint((point) => compromisedAt(shape, point, true))
    })
  }
})

/** What a mark does to the rotation under way, by which of its versions has it, before any effect of it. */
describe('a mark that a rotation meets', () => {
  const rotations = [
    'one place',
    'an offline place',
    'two places that must match',
    'a place for the previous version',
    'an announced version',
    'a set that shares a consumer',
  ]
  for (const words of rotations) {
    const shape = shapes[words]
    assert.ok(shape)

    it(`on the previous version leaves only the way forward: ${words}`, async () => {
      await eachPoint(async (point) => {
        const run = new Run(shape)
        if (!(await run.start(point, () => run.mark('from')))) return true
        assert.deepEqual([run.active, run.result], [run.to, 'succeeded'])
        assert.deepEqual(run.writtenSince('from'), [])
        return false
      })
    })

    it(`on the previous version keeps the next one that is not proved: ${words}`, async () => {
      await eachPoint(async (point) => {
        const run = new Run(shape, true)
        if (!(await run.start(point, () => run.mark('from')))) return true
        const [active, result] = run.turnedBeforeMark
          ? [run.from, 'rolled_back']
          : [run.to, 'needs_attention']
        assert.deepEqual([run.active, run.result], [active, result])
        if (!run.turnedBeforeMark) assert.deepEqual(run.writtenSince('from'), [])
        return false
      })
    })

    it(`on the next version gives that up: ${words}`, async () => {
      await eachPoint(async (point) => {
        const run = new Run(shape)
        if (!(await run.start(point, () => run.mark('to')))) return true
        assert.equal(run.active, run.from)
        assert.match(run.result ?? '', /^(failed|rolled_back)$/)
        assert.deepEqual(run.writtenSince('to'), [])
        run.assertWhole()
        return false
      })
    })

    it(`on both gives the next one up: ${words}`, async () => {
      await eachPoint(async (point) => {
        const run = new Run(shape)
        if (!(await run.start(point, () => run.mark('from', 'to')))) return true
        assert.equal(run.active, run.from)
        assert.deepEqual(run.writtenSince('to'), [])
        await run.scratch.engine.rotate({
          materials: [run.name],
          trigger: 'schedule',
          actor,
          wait: true,
        }).done
        assert.ok((run.active ?? 0) > (run.to ?? 0), 'a fresh one takes its place')
        run.assertClean()
        return false
      })
    })
  }
})

async function compromisedAt(shape: Shape, point: number, failing = false): Promise<boolean> {
  const run = new Run(shape, failing)
  if (!(await run.start(point, () => run.compromise()))) return true
  const rotation = await run.compromised
  run.assertClean()
  if (!failing) {
    assert.match(rotation?.result ?? '', /succeeded/)
    run.assertWhole()
  }
  return false
}

/** Until `run` says that its point came too late to be in the middle of anything. */
async function eachPoint(run: (point: number) => Promise<boolean>): Promise<void> {
  let point = 1
  while (!(await run(point))) assert.ok((point += 1) < 200, 'never ends')
  assert.ok(point > 3, `only ${point - 1} points`)
}

/** One rotation, in whose middle somebody says that something has leaked. */
class Run {
  readonly name = `key-${(runs += 1)}`
  readonly scratch = new ScratchEngine(store)
  readonly #shape: Shape
  readonly #failing: boolean
  readonly #materials: readonly ManagedMaterial[]
  readonly #writes: string[] = []
  /** Values that were marked, and how much had been written when the next effect came. */
  readonly #leaked = new Map<'from' | 'to', { values: readonly string[]; since?: number }>()
  from: number | undefined
  to: number | undefined
  compromised: ReturnType<ScratchEngine['engine']['compromise']>['done'] | undefined
  turnedBeforeMark = false

  constructor(shape: Shape, failing = false) {
    this.#shape = shape
    this.#failing = failing
    const { places } = this.scratch.world
    for (const suffix of shape.places ?? ['']) {
      places.set(`/${this.name}${suffix}`, `adopted ${this.name}${suffix}`)
    }
    this.#materials = shape.materials(this.scratch.world, this.name)
    const set = places.set.bind(places)
    places.set = (path, value) => {
      this.#writes.push(value)
      return set(path, value)
    }
  }

  get active(): number | undefined {
    return store.keys.active(this.name)?.number
  }

  get result(): string | undefined {
    return store.journal.history({ material: this.name, limit: 1 })[0]?.result
  }

  /** Acts, and calls `mark` before this effect. @returns false when everything ended before it came */
  async start(point: number, mark: () => void): Promise<boolean> {
    const { scratch, name } = this
    const { act, before } = this.#shape
    const engine = await scratch.create(this.#materials)
    await engine.start()
    await before?.(engine, name, scratch.world)
    scratch.clock.pass(86_400_000)
    this.from = this.active
    const known = new Map(scratch.world.places)
    if (this.#failing) this.#fail(known)
    let [effects, last, marked] = [0, '', false]
    scratch.world.before = (effect) => {
      if (isSynchronous.test(effect)) return
      // What was begun with when the mark came is done by the next effect.
      if (marked) return this.#leaked.forEach((leak) => void (leak.since ??= this.#writes.length))
      this.#noteVersions()
      // Asking the same once more is the same moment.
      if (this.to === undefined || effect === last) return
      last = effect
      effects += 1
      if (effects !== point) return
      this.turnedBeforeMark = this.#open?.direction === 'back'
      marked = true
      mark()
    }
    this.#showQuestions()
    await act(engine, name)?.catch(() => {})
    return marked
  }

  mark(...sides: readonly ('from' | 'to')[]): void {
    for (const side of sides) {
      const number = this[side]
      assert.ok(number)
      const values = this.#valuesOf([number])
      this.#leaked.set(side, { values })
      store.keys.compromise(this.name, [number], actor)
    }
  }

  compromise(): void {
    const { engine } = this.scratch
    this.compromised = engine.compromise(this.name, undefined, actor).done
    this.compromised.catch(() => {})
  }

  /** Values of this side that were put anywhere after its mark. */
  writtenSince(side: 'from' | 'to'): readonly string[] {
    const { values = [], since = this.#writes.length } = this.#leaked.get(side) ?? {}
    return this.#writes.slice(since).filter((value) => values.includes(value))
  }

  /** Nothing that leaked is in use, shown to clients, or about to be. */
  assertClean(): void {
    const versions = store.keys.list(this.name)
    const leaked = versions.filter(({ compromised }) => compromised)
    assert.ok(leaked.length > 0)
    const live = leaked.filter(({ state }) => state !== 'withdrawn')
    assert.deepEqual(live, [], 'no leaked version is live')
    const values = this.#valuesOf(leaked.map(({ number }) => number))
    for (const [place, value] of this.scratch.world.places) {
      assert.ok(!values.includes(value), `${place} holds a leaked value`)
    }
    assert.deepEqual(store.journal.unfinished(), [])
    for (const { consumers } of this.#materials) {
      for (const { consumer } of consumers) {
        assert.ok(consumer instanceof MemoryConsumer)
        assert.equal(consumer.running, true, 'the consumer runs')
        for (const value of consumer.serving.values()) {
          assert.ok(!values.includes(value), 'the consumer uses a leaked value')
        }
      }
    }
  }

  /** Store and world agree, and the consumer runs on it. */
  assertWhole(): void {
    const { world } = this.scratch
    assert.deepEqual(store.journal.unfinished(), [])
    for (const material of this.#materials) {
      const active = store.keys.active(material.name)
      assert.ok(active)
      const [value = active.fingerprint] = isMadeHere(material)
        ? this.#valuesOf([active.number], material.name)
        : []
      const place = `/${material.name}`
      assert.equal(world.places.get(place), value, 'the store names what the place holds')
      for (const { consumer } of material.consumers) {
        assert.ok(consumer instanceof MemoryConsumer)
        assert.equal(consumer.serving.get(place), value, 'the consumer serves it')
      }
    }
  }

  /** The rotation that is under way. */
  get #open() {
    return store.journal
      .unfinished()
      .map(({ rotation }) => rotation)
      .find(({ changes }) => changes.some(({ material }) => material === this.name))
  }

  #noteVersions(): void {
    const change = this.#open?.changes.find(({ material }) => material === this.name)
    const isOwn = this.#shape === shapes['what its consumer makes']
    this.to = isOwn || this.#shape.act === undefined ? 0 : change?.to
    if (change?.from !== undefined) this.from = change.from
    if (!change) this.to = undefined
  }

  #valuesOf(numbers: readonly number[], name = this.name): readonly string[] {
    return numbers.flatMap((number) => {
      const { value } = store.keys.secret(name, number)
      const { fingerprint = '' } = store.keys.get(name, number) ?? {}
      return [value?.bytes.toString() ?? fingerprint]
    })
  }

  /** Asking a verifier takes time in which something else may happen, too. */
  #showQuestions(): void {
    const { world } = this.scratch
    for (const { verifiers } of this.#materials) {
      for (const verifier of verifiers) {
        const ask = verifier.accepts.bind(verifier)
        verifier.accepts = async (edition, signal) => {
          world.before(`ask ${verifier.subject}`)
          return ask(edition, signal)
        }
      }
    }
  }

  /** Nothing but what is there now is ever proved. */
  #fail(known: ReadonlyMap<string, string>): void {
    for (const { verifiers } of this.#materials) {
      for (const verifier of verifiers) {
        const ask = verifier.accepts.bind(verifier)
        verifier.accepts = async (edition, signal) => {
          const value = (await edition.bytes()).bytes.toString()
          return value === known.get(verifier.subject)
            ? ask(edition, signal)
            : { yes: false, reason: 'unseen' }
        }
      }
    }
  }
}
