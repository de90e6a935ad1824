import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import {
  beside,
  MemoryConsumer,
  MemoryTarget,
  MemoryVerifier,
  memoryKind,
  memoryMaterial,
} from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const alice = { who: 'cli:alice' }
const manual = { trigger: 'manual' as const, actor: alice, wait: false }

let scratch: ScratchEngine

beforeEach(() => {
  scratch = new ScratchEngine()
})
afterEach(() => scratch.dispose())

/** An engine whose one material `key` has its first version in place. */
async function started(overrides: Partial<ManagedMaterial<MadeHere>> = {}) {
  const material = memoryMaterial(scratch.world, 'key', overrides)
  const engine = await scratch.create([material])
  await engine.start()
  const first = scratch.world.places.get('/key')
  scratch.world.log.length = 0
  return { engine, material, first }
}

const rotate = (materials: readonly string[] = ['key']) =>
  scratch.engine.rotate({ materials, ...manual }).done

describe('Engine', () => {
  it('makes the first version of what is missing only where the config says create', async () => {
    const created = memoryMaterial(scratch.world, 'key')
    const refused = memoryMaterial(scratch.world, 'other', { onMissing: 'refuse' })
    await (await scratch.create([created, refused])).start()
    assert.equal(scratch.store.keys.active('key')?.number, 1)
    assert.equal(scratch.store.keys.active('other'), undefined)
    assert.match(scratch.store.schedule.get('other').attention ?? '', /on_missing is refuse/)
    assert.equal(scratch.world.places.has('/other'), false)
  })

  it('adopts what exists and touches nothing', async () => {
    scratch.world.places.set('/key', 'in use already')
    const { first } = await started()
    assert.equal(first, 'in use already')
    const active = scratch.store.keys.active('key')
    assert.equal(active?.origin, 'adopted')
    assert.deepEqual(scratch.world.log, [])
  })

  it('replaces the version, restarts the consumer and proves it', async () => {
    const { first, material } = await started()
    const rotation = await rotate()
    assert.equal(rotation.result, 'succeeded')
    assert.deepEqual(rotation.changes, [{ material: 'key', from: 1, to: 2 }])
    const now = scratch.world.places.get('/key')
    assert.notEqual(now, first)
    assert.equal(material.consumer.serving.get('/key'), now)
    assert.deepEqual(scratch.world.log, ['stage /key', 'activate /key', 'restart key-server'])
    const [second, old] = scratch.store.keys.list('key')
    assert.equal(second?.state, 'active')
    assert.equal(old?.state, 'withdrawn')
    assert.equal(scratch.seen.filter(({ type }) => type === 'rotation.finished').length, 2)
    assert.equal(old?.keepUntil, scratch.clock.now() + material.keep)
    assert.deepEqual(
      rotation.steps.map(({ name, outcome }) => [name, outcome]),
      [
        ['stage', 'done'],
        ['activate', 'done'],
        ['resume', 'done'],
        ['verify', 'done'],
      ],
    )
  })

  it('keeps the old version retiring while the overlap lasts, and withdraws it when it ends', async () => {
    const { engine } = await started({ overlap: 1_000 })
    await rotate()
    assert.equal(scratch.store.keys.get('key', 1)?.state, 'retiring')
    assert.equal((await engine.endOverlap('key', alice)?.done)?.result, 'succeeded')
    assert.equal(scratch.store.keys.get('key', 1)?.state, 'withdrawn')
    assert.equal(engine.endOverlap('key', alice), undefined)
  })

  it('calls a result unproved when no verifier stands behind it', async () => {
    await started({ verifiers: [] })
    assert.equal((await rotate()).result, 'applied_unproved')
  })

  it('puts the old version back, and proves it, when the new one is not seen', async () => {
    const { first, material } = await started()
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    const rotation = await rotate()
    assert.equal(rotation.result, 'rolled_back')
    assert.match(rotation.detail ?? '', /does not show version 2 of key: unseen/)
    assert.equal(scratch.world.places.get('/key'), first)
    assert.equal(material.consumer.serving.get('/key'), first)
    assert.equal(scratch.store.keys.active('key')?.number, 1)
    assert.equal(scratch.store.keys.get('key', 2)?.state, 'withdrawn')
    const proved = rotation.steps.filter(
      ({ name, direction }) => name === 'verify' && direction === 'back',
    )
    assert.deepEqual(
      proved.map(({ outcome }) => outcome),
      ['done'],
    )
  })

  it('never takes a verifier that cannot tell for a yes', async () => {
    const { first, material } = await started()
    material.verifier.answer = () => {
      if (material.consumer.serving.get('/key') !== first) throw new Error('timed out')
      return { yes: true }
    }
    const rotation = await rotate()
    assert.equal(rotation.result, 'rolled_back')
    assert.match(rotation.detail ?? '', /could not tell: timed out/)
    assert.equal(scratch.world.places.get('/key'), first)
  })

  it('changes nothing when the verifier could not tell beforehand', async () => {
    const { first, material } = await started()
    material.consumer.running = false
    const rotation = await rotate()
    assert.equal(rotation.result, 'failed')
    assert.equal(scratch.world.places.get('/key'), first)
    assert.deepEqual(scratch.world.log, [])
  })

  it('rolls back a consumer that dies within the dwell', async () => {
    const { first, material } = await started()
    let asked = 0
    material.verifier.ready = async () => {
      asked += 1
      const dead = material.consumer.serving.get('/key') !== first && asked > 1
      return dead ? { yes: false, reason: 'exited' } : { yes: true }
    }
    const rotation = await rotate()
    assert.equal(rotation.result, 'rolled_back')
    assert.match(rotation.detail ?? '', /did not stay up/)
    assert.equal(material.consumer.serving.get('/key'), first)
  })

  it('asks every verifier again after the dwell', async () => {
    const { first, material } = await started()
    let asked = 0
    material.verifier.answer = (verdict) => {
      if (material.consumer.serving.get('/key') === first) return verdict
      asked += 1
      return asked === 1 ? verdict : { yes: false, reason: 'fell back to a default' }
    }
    const rotation = await rotate()
    assert.equal(rotation.result, 'rolled_back')
    assert.match(rotation.detail ?? '', /fell back to a default/)
  })

  it('refuses an old version that still works without overlap', async () => {
    const { first, material } = await started()
    material.verifier.refuses = async () => ({ yes: false, reason: 'both work' })
    const rotation = await rotate()
    assert.equal(rotation.result, 'needs_attention')
    assert.match(rotation.detail ?? '', /still takes version 1/)
    assert.equal(scratch.world.places.get('/key'), first)
  })

  it('records a failed check as an attempt', async () => {
    const { first } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'check /key') throw new Error('/ is not writable')
    }
    const rotation = await rotate()
    assert.equal(rotation.result, 'failed')
    assert.equal(rotation.detail, '/ is not writable')
    assert.equal(scratch.outcomes.at(-1)?.result, 'failed')
    assert.equal(scratch.world.places.get('/key'), first)
  })

  it('does nothing at all when the intent cannot be written', async () => {
    const { first } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'journal begin') throw new Error('disk full')
    }
    await assert.rejects(rotate(), /disk full/)
    assert.equal(scratch.world.places.get('/key'), first)
    assert.deepEqual(scratch.world.log, [])
  })

  it('goes back even though the journal cannot be written any more', async () => {
    const { first, material } = await started()
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    scratch.world.before = (effect) => {
      if (
        /journal (turn|started|ended)/.test(effect) &&
        scratch.world.log.includes('restart key-server')
      ) {
        throw new Error('disk full')
      }
    }
    assert.equal((await rotate()).result, 'rolled_back')
    assert.equal(material.consumer.serving.get('/key'), first)
    assert.ok(scratch.seen.some(({ type }) => type === 'store.error'))
  })

  it('stages again when an operator edited the place meanwhile, and keeps the edit', async () => {
    const { first } = await started()
    let edited = false
    scratch.world.before = (effect) => {
      if (effect !== 'journal hold' || edited) return
      edited = true
      scratch.world.places.set('/key', `${first}${beside}edited`)
    }
    assert.equal((await rotate()).result, 'succeeded')
    assert.deepEqual(scratch.world.log.filter((effect) => effect === 'stage /key').length, 2)
    const [value, edit] = scratch.world.places.get('/key')?.split(beside) ?? []
    assert.notEqual(value, first)
    assert.equal(edit, 'edited')
  })

  it('stops the consumer around a change that must happen offline', async () => {
    await started({ targets: [new MemoryTarget(scratch.world, '/key', { offline: true })] })
    await rotate()
    assert.deepEqual(scratch.world.log, [
      'stage /key',
      'stop key-server',
      'activate /key',
      'start key-server',
    ])
  })

  it('stops the consumer when two parts at two places must match', async () => {
    const { world } = scratch
    await started({
      targets: [
        new MemoryTarget(world, '/key', { part: 'value' }),
        new MemoryTarget(world, '/certificate', { part: 'other' }),
      ],
    })
    await rotate()
    assert.equal(world.log.includes('stop key-server'), true)
  })

  it('restarts a consumer once for several materials, and blames only the one that failed', async () => {
    const { world } = scratch
    const consumer = new MemoryConsumer(world, 'server', ['/a', '/b'])
    const [a, b] = ['a', 'b'].map((name) => {
      const verifier = new MemoryVerifier(consumer, `/${name}`)
      const shared = { consumers: [consumer.managed()], verifiers: [verifier] }
      return { ...memoryMaterial(world, name, shared), verifier }
    })
    assert.ok(a && b)
    await (await scratch.create([a, b])).start()
    world.log.length = 0
    assert.equal((await rotate(['a', 'b'])).result, 'succeeded')
    assert.equal(world.log.filter((effect) => effect === 'restart server').length, 1)

    const good = world.places.get('/b')
    b.verifier.answer = (verdict) =>
      consumer.serving.get('/b') === good ? verdict : { yes: false, reason: 'unseen' }
    assert.equal((await rotate(['a', 'b'])).result, 'rolled_back')
    const blamed = scratch.outcomes.slice(-2).map(({ material, blamed }) => [material, blamed])
    assert.deepEqual(blamed, [
      ['a', false],
      ['b', true],
    ])
    assert.equal(world.places.get('/b'), good)
  })

  it('is busy for a second request by hand, and queues a scheduled one', async () => {
    const { engine } = await started()
    const first = engine.rotate({ materials: ['key'], ...manual })
    const second = engine.rotate({ materials: ['key'], ...manual })
    const third = engine.rotate({ materials: ['key'], ...manual, wait: true })
    await assert.rejects(second.done, { kind: 'busy' })
    assert.equal((await first.done).result, 'succeeded')
    assert.equal((await third.done).result, 'succeeded')
    assert.equal(scratch.store.keys.active('key')?.number, 3)
  })

  it('gives an earlier version back by hand, but never a compromised one', async () => {
    const { engine, first } = await started()
    await rotate()
    assert.equal((await engine.rollback('key', undefined, alice).done).result, 'succeeded')
    assert.equal(scratch.world.places.get('/key'), first)
    assert.equal((await engine.compromise('key', undefined, alice).done).result, 'succeeded')
    await assert.rejects(engine.rollback('key', 1, alice).done, { kind: 'refused' })
  })

  it('never goes back to a compromised version', async () => {
    const { engine, first, material } = await started()
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    const rotation = await engine.compromise('key', undefined, alice).done
    assert.equal(rotation.result, 'needs_attention')
    assert.notEqual(scratch.world.places.get('/key'), first)
    assert.equal(scratch.store.keys.active('key')?.number, 4, 'the third fresh value')
    assert.equal(scratch.store.keys.get('key', 1)?.state, 'withdrawn')
  })

  it('shows the announced version first and uses it when the rotation comes', async () => {
    const { world } = scratch
    const { engine } = await started({
      targets: [
        new MemoryTarget(world, '/key'),
        new MemoryTarget(world, '/next', { role: 'next' }),
      ],
    })
    await engine.announce('key', alice).done
    const announced = world.places.get('/next')
    assert.equal(scratch.store.keys.get('key', 2)?.state, 'prepared')
    await rotate()
    assert.equal(world.places.get('/key'), announced)
    assert.equal(world.places.has('/next'), false)
    assert.equal(scratch.store.keys.active('key')?.number, 2)
  })

  it('writes the previous version where clients still look for it, until the overlap ends', async () => {
    const { world } = scratch
    const { engine, first } = await started({
      overlap: 1_000,
      targets: [
        new MemoryTarget(world, '/key'),
        new MemoryTarget(world, '/old', { role: 'previous' }),
      ],
    })
    assert.equal(world.places.has('/old'), false)
    await rotate()
    assert.equal(world.places.get('/old'), first)
    await engine.endOverlap('key', alice)?.done
    assert.equal(world.places.has('/old'), false)
  })

  it('brings drifted targets back on apply, and takes what is live on adopt', async () => {
    const { engine } = await started()
    const good = scratch.world.places.get('/key')
    scratch.world.places.set('/key', 'edited')
    await scratch.restart([memoryMaterial(scratch.world, 'key')])
    await scratch.engine.start()
    assert.match(
      scratch.store.schedule.get('key').attention ?? '',
      /^drift: \/key holds something else/,
    )
    await assert.rejects(rotate(), { kind: 'needs-attention' })
    await scratch.engine.apply('key', alice).done
    assert.equal(scratch.world.places.get('/key'), good)
    assert.equal(scratch.store.schedule.get('key').attention, undefined)

    scratch.world.places.set('/key', 'edited again')
    const adopted = await scratch.engine.adopt('key', alice)
    assert.equal(adopted.number, 2)
    assert.equal(scratch.world.places.get('/key'), 'edited again')
    assert.ok(engine)
  })

  it('does nothing with a material that waits for a person', async () => {
    const { first } = await started()
    const { schedule } = scratch.store
    schedule.set({ ...schedule.get('key'), attention: 'both failed' })
    await assert.rejects(rotate(), { kind: 'needs-attention', message: /both failed/ })
    assert.equal(scratch.world.places.get('/key'), first)
  })

  it('notices drift in passing, but not what a rotation is changing', async () => {
    const { engine, material } = await started()
    const drifts = () => scratch.seen.filter(({ type }) => type === 'drift').length
    const good = scratch.world.places.get('/key') ?? ''
    scratch.world.places.set('/key', 'edited')
    await engine.inspections.glance(material, () => true)
    assert.deepEqual([engine.inspections.drift('key'), drifts()], [[], 0])
    await engine.inspections.glance(material, () => false)
    assert.deepEqual([engine.inspections.drift('key').length, drifts()], [1, 1])
    scratch.world.places.set('/key', good)
    await engine.inspections.glance(material, () => false)
    assert.deepEqual([engine.inspections.drift('key'), drifts()], [[], 2])
  })

  it('rewrites a rename that a power cut undid, but not what somebody put back', async () => {
    const { first } = await started()
    await rotate()
    const second = scratch.world.places.get('/key') ?? ''
    scratch.world.places.set('/key', first ?? '')
    await scratch.restart([memoryMaterial(scratch.world, 'key')])
    await scratch.engine.start()
    assert.match(
      scratch.store.schedule.get('key').attention ?? '',
      /holds version 1 instead of version 2/,
    )
    scratch.bootId = 'boot-2'
    await scratch.restart([memoryMaterial(scratch.world, 'key')])
    await scratch.engine.start()
    assert.equal(scratch.world.places.get('/key'), second)
    assert.equal(scratch.store.schedule.get('key').attention, undefined)
  })

  it('takes an edit for no lost rename, however the machine was started since', async () => {
    await started()
    await rotate()
    scratch.world.places.set('/key', 'edited')
    scratch.bootId = 'boot-2'
    await scratch.restart([memoryMaterial(scratch.world, 'key')])
    await scratch.engine.start()
    assert.equal(scratch.world.places.get('/key'), 'edited')
    assert.match(scratch.store.schedule.get('key').attention ?? '', /holds something else/)
  })

  it('takes nothing for a lost rename that was never renamed: what was adopted came from elsewhere', async () => {
    const { engine, first } = await started()
    scratch.world.places.set('/key', 'edited')
    await engine.adopt('key', alice)
    scratch.world.places.set('/key', first ?? '')
    scratch.bootId = 'boot-2'
    await scratch.restart([memoryMaterial(scratch.world, 'key')])
    await scratch.engine.start()
    assert.equal(scratch.world.places.get('/key'), first)
    assert.match(
      scratch.store.schedule.get('key').attention ?? '',
      /version 1 instead of version 2/,
    )
  })

  it('leaves everything alone when the store was restored from a backup', async () => {
    const { engine } = await started()
    scratch.world.places.set('/key', 'newer')
    await engine.start({ restored: true })
    assert.equal(scratch.world.places.get('/key'), 'newer')
    assert.match(scratch.store.schedule.get('key').attention ?? '', /restored from a backup/)
  })

  it('lets a restored store wait for a person also after two more starts', async () => {
    const { engine } = await started()
    const first = scratch.world.places.get('/key') ?? ''
    await engine.start({ restored: true })
    for (const found of ['newer', first]) {
      scratch.world.places.set('/key', found)
      await scratch.restart([memoryMaterial(scratch.world, 'key')])
      await scratch.engine.start()
      assert.match(scratch.store.schedule.get('key').attention ?? '', /restored from a backup/)
      assert.equal(scratch.world.places.get('/key'), found)
    }
  })

  it('adopts nothing from targets that disagree', async () => {
    const { world } = scratch
    world.places.set('/key', 'one')
    world.places.set('/copy', 'two')
    const targets = [new MemoryTarget(world, '/key'), new MemoryTarget(world, '/copy')]
    await (await scratch.create([memoryMaterial(world, 'key', { targets })])).start()
    assert.equal(scratch.store.keys.active('key'), undefined)
    assert.match(scratch.store.schedule.get('key').attention ?? '', /\/copy holds another key than/)
    assert.deepEqual([world.places.get('/key'), world.places.get('/copy')], ['one', 'two'])
  })

  it('archives the public parts of every version that goes live', async () => {
    const kind = { ...memoryKind, parts: { value: { formats: ['raw'], public: true } } } as const
    await started({ kind })
    await rotate()
    assert.deepEqual([...scratch.archived.keys()], ['key/1-value', 'key/2-value'])
  })
})
