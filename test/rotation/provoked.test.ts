import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeByConsumer } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { Parked } from '../../src/rotation/walk.ts'
import { MemoryConsumer, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const manual = { trigger: 'manual' as const, actor: { who: 'cli:alice' }, wait: false }
const old = 'the old one'

let scratch: ScratchEngine

beforeEach(() => {
  scratch = new ScratchEngine()
})
afterEach(() => scratch.dispose())

/** A value that two consumers share and that changes when it is provoked while they are down. */
async function started(kind: Partial<MadeByConsumer> = {}) {
  const { world } = scratch
  world.places.set('/made', old)
  const consumers = ['one', 'two'].map((name) => new MemoryConsumer(world, name, ['/made']))
  const made: ManagedMaterial<MadeByConsumer> = {
    ...memoryMaterial(world, 'made'),
    targets: [],
    verifiers: [],
    consumers: consumers.map((consumer) => consumer.managed()),
    kind: {
      madeBy: 'consumer',
      offline: true,
      observe: async () => ({ value: world.places.get('/made') ?? '', attributes: {} }),
      archive: async () => ({
        parts: { value: SecretBytes.fromText(world.places.get('/made') ?? '') },
        attributes: {},
      }),
      provoke: async () => {
        await world.effect('provoke')
        world.places.set('/made', 'the new one')
      },
      ...kind,
    },
  }
  const engine = await scratch.create([made])
  await engine.start()
  return { engine, made, consumers }
}

const rotate = () => scratch.engine.rotate({ materials: ['made'], ...manual }).done
const running = (consumers: readonly MemoryConsumer[]) => consumers.map((one) => one.running)
const states = () => scratch.store.keys.list('made').map(({ state }) => state)

describe('a material that its consumer makes', () => {
  it('is kept, provoked, and seen to have changed', async () => {
    const { consumers } = await started()
    assert.equal((await rotate()).result, 'succeeded')
    assert.equal(scratch.store.keys.active('made')?.fingerprint, 'the new one')
    assert.deepEqual(running(consumers), [true, true])
    const [, kept] = scratch.store.keys.list('made')
    assert.ok(kept)
    assert.equal(scratch.store.keys.secret('made', kept.number)['value']?.bytes.toString(), old)
    assert.ok(scratch.store.keys.list('made').every((v) => v.state === 'active' || v.keepUntil))
    assert.ok(scratch.seen.some(({ type }) => type === 'version.active'))
  })

  it('resumes every consumer although one does not come up', async () => {
    const { consumers } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'start one') throw new Error('exit 1')
    }
    assert.equal((await rotate()).result, 'needs_attention')
    assert.deepEqual(running(consumers), [false, true])
  })

  it('resumes its consumers although the journal cannot be written', async () => {
    const { consumers } = await started()
    scratch.world.before = (effect) => {
      if (effect.startsWith('journal') && scratch.world.log.includes('stop two')) {
        throw new Error('disk full')
      }
    }
    await assert.rejects(rotate(), /disk full/)
    assert.deepEqual(running(consumers), [true, true])
    assert.equal(scratch.world.places.get('/made'), old)
  })

  it('is not provoked again once it has changed', async () => {
    const { made } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'start one') scratch.world.dead = true
    }
    rotate().catch(() => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    await (await scratch.restart([made])).start()
    assert.equal(scratch.world.log.filter((effect) => effect === 'provoke').length, 1)
    assert.equal(scratch.store.journal.history({ limit: 1 })[0]?.result, 'succeeded')
    assert.deepEqual(scratch.store.journal.unfinished(), [])
  })

  it('is kept once, however often provoking is interrupted, and then left to a person', async () => {
    const { made, consumers } = await started()
    for (let life = 0; life < 4; life += 1) {
      scratch.world.before = (effect) => {
        if (effect === 'provoke') scratch.world.dead = true
      }
      if (life === 0) rotate().catch(() => {})
      else scratch.engine.start().catch(() => {})
      for (let turn = 0; turn < 80; turn += 1) await new Promise((next) => setImmediate(next))
      await scratch.restart([made])
    }
    await scratch.engine.start()
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'needs_attention')
    assert.equal(rotation?.detail, 'interrupted too often')
    assert.deepEqual(states(), ['withdrawn', 'active'])
    assert.deepEqual(running(consumers), [true, true])
  })

  it('leaves nothing prepared after a crash in the middle of keeping it', async () => {
    const { made } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'keys change') scratch.world.dead = true
    }
    rotate().catch(() => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    await (await scratch.restart([made])).start()
    assert.equal(scratch.store.journal.history({ limit: 1 })[0]?.result, 'succeeded')
    assert.equal(states().includes('prepared'), false)
  })

  it('needs a person when nothing changes, and is never provoked twice', async () => {
    const { world } = scratch
    await started({ provoke: () => world.effect('provoke') })
    const rotation = await rotate()
    assert.equal(rotation.result, 'needs_attention')
    assert.match(rotation.detail ?? '', /no new made was seen within 120 s/)
    assert.equal(world.log.filter((effect) => effect === 'provoke').length, 1)
  })

  it('parks while it waits for the change, with its consumers up', async () => {
    const { engine, made, consumers } = await started({ provoke: async () => {} })
    const stopping = Promise.withResolvers<void>()
    made.kind.observe = async () => {
      if (scratch.world.log.includes('start two')) {
        void engine.stop(0).then(stopping.resolve)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return { value: old, attributes: {} }
    }
    await assert.rejects(rotate(), Parked)
    await stopping.promise
    assert.deepEqual(running(consumers), [true, true])
    assert.equal(scratch.store.journal.unfinished().length, 1)
  })

  it('is only watched where nothing provokes it', async () => {
    const { engine, made } = await started()
    delete made.kind.provoke
    await assert.rejects(rotate(), { kind: 'refused' })
    scratch.world.places.set('/made', 'made by itself')
    assert.equal(await engine.changed('made'), true)
    assert.deepEqual(states(), ['active', 'withdrawn'])
  })
})
