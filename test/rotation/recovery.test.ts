import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { MemoryTarget, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const manual = { trigger: 'manual' as const, actor: { who: 'cli:alice' }, wait: false }

/** Materials whose rotation takes different ways. */
const shapes: Readonly<
  Record<string, (scratch: ScratchEngine) => Partial<ManagedMaterial<MadeHere>>>
> = {
  'one place': () => ({}),
  'an offline place': ({ world }) => ({
    targets: [new MemoryTarget(world, '/key', { offline: true })],
  }),
  'two places that must match': ({ world }) => ({
    targets: [
      new MemoryTarget(world, '/key', { part: 'value' }),
      new MemoryTarget(world, '/second', { offline: true }),
    ],
  }),
  'a place for the previous version': ({ world }) => ({
    overlap: 1_000,
    targets: [
      new MemoryTarget(world, '/key'),
      new MemoryTarget(world, '/old', { role: 'previous' }),
    ],
  }),
}

describe('recovery', () => {
  for (const [shape, overrides] of Object.entries(shapes)) {
    it(`ends wholly old or wholly new after a crash before any effect: ${shape}`, async () => {
      let untouched = false
      for (let point = 1; !untouched; point += 1) untouched = await crashAt(point, overrides, false)
    })

    it(`ends wholly old after a crash before any effect of a rollback: ${shape}`, async () => {
      let untouched = false
      for (let point = 1; !untouched; point += 1) untouched = await crashAt(point, overrides, true)
    })
  }

  it('gives the previous version back when going on was interrupted too often', async () => {
    const scratch = new ScratchEngine()
    try {
      const first = await begin(scratch, {})
      await die(scratch, 'restart key-server')
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        await scratch.restart([memoryMaterial(scratch.world, 'key')])
        dieAt(scratch, 'restart key-server')
        void scratch.engine.start()
        await settle()
        assert.notEqual(scratch.world.places.get('/key'), first)
      }
      await scratch.restart([memoryMaterial(scratch.world, 'key')])
      await scratch.engine.start()
      assert.equal(scratch.world.places.get('/key'), first)
      const [rotation] = scratch.store.journal.history({ limit: 1 })
      assert.equal(rotation?.result, 'rolled_back')
      assert.match(rotation?.detail ?? '', /interrupted too often/)
    } finally {
      scratch.dispose()
    }
  })
})

/** @returns whether the rotation ended before the crash point came */
async function crashAt(
  point: number,
  overrides: (scratch: ScratchEngine) => Partial<ManagedMaterial<MadeHere>>,
  failing: boolean,
): Promise<boolean> {
  const scratch = new ScratchEngine()
  try {
    const first = await begin(scratch, overrides(scratch), failing)
    let effects = 0
    scratch.world.before = () => {
      effects += 1
      if (effects === point) scratch.world.dead = true
    }
    let ended = false
    scratch.engine.rotate({ materials: ['key'], ...manual }).done.then(
      () => (ended = true),
      () => {},
    )
    await settle()
    const crashed = scratch.world.dead
    if (!crashed) assert.equal(ended, true, 'the rotation neither ended nor crashed')
    const material = memoryMaterial(scratch.world, 'key', overrides(scratch))
    await scratch.restart([material])
    await scratch.engine.start()
    assertWhole(scratch, material, first, failing)
    return !crashed
  } finally {
    scratch.dispose()
  }
}

async function begin(
  scratch: ScratchEngine,
  overrides: Partial<ManagedMaterial<MadeHere>>,
  failing = false,
): Promise<string> {
  const material = memoryMaterial(scratch.world, 'key', overrides)
  await (await scratch.create([material])).start()
  const first = scratch.world.places.get('/key')
  assert.ok(first)
  if (failing) {
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
  }
  return first
}

/** I3, I4 and I6 of the promise: store and world agree, everybody runs on it, nothing is left over. */
function assertWhole(
  scratch: ScratchEngine,
  material: ReturnType<typeof memoryMaterial>,
  first: string,
  failing: boolean,
): void {
  const { store, world } = scratch
  const active = store.keys.active('key')
  assert.ok(active)
  const value = store.keys.secret('key', active.number)['value']?.bytes.toString()
  assert.equal(world.places.get('/key'), value, 'the store names what the place holds')
  assert.equal(material.consumer.serving.get('/key'), value, 'the consumer serves it')
  assert.equal(material.consumer.running, true)
  if (failing && store.journal.history({ limit: 1 })[0]?.tries === 1) assert.equal(value, first)
  if (world.places.has('/second')) assert.equal(world.places.get('/second'), value)
  if (active.number === 1) assert.equal(world.places.has('/old'), false)
  assert.deepEqual(store.journal.unfinished(), [])
  assert.ok(store.keys.list('key').every(({ state }) => state !== 'prepared'))
  assert.equal(store.schedule.get('key').attention, undefined)
  for (const target of material.targets) {
    if (target instanceof MemoryTarget) assert.equal(target.leftovers, 0)
  }
}

async function die(scratch: ScratchEngine, effect: string): Promise<void> {
  dieAt(scratch, effect)
  scratch.engine.rotate({ materials: ['key'], ...manual }).done.catch(() => {})
  await settle()
}

function dieAt({ world }: ScratchEngine, effect: string): void {
  world.before = (next) => {
    if (next === effect) world.dead = true
  }
}

/** Until nothing moves any more: the clock hurries, so only immediates are left to wait for. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
