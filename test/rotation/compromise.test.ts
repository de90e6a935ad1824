import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { MemoryConsumer, MemoryTarget, memoryKind, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }
const manual = { trigger: 'manual' as const, actor, wait: false }
const day = 86_400_000

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
  scratch.world.log.length = 0
  return { engine, material, first: live() }
}

const live = (path = '/key') => scratch.world.places.get(path)
const rotate = () => scratch.engine.rotate({ materials: ['key'], ...manual }).done
const compromise = () => scratch.engine.compromise('key', undefined, actor).done
const states = () => scratch.store.keys.list('key').map(({ state }) => state)
const version = (number: number) => scratch.store.keys.get('key', number)

const shown = () => ({
  overlap: day,
  targets: [
    new MemoryTarget(scratch.world, '/key'),
    new MemoryTarget(scratch.world, '/old', { role: 'previous' }),
    new MemoryTarget(scratch.world, '/next', { role: 'next' }),
  ],
})

describe('a compromised version', () => {
  it('is due at once, whatever becomes of the rotation that the mark begins', async () => {
    await started()
    scratch.world.before = (effect) => {
      if (effect === 'check /key') throw new Error('not now')
    }
    assert.equal((await compromise()).result, 'failed')
    assert.equal(scratch.store.schedule.get('key').due, scratch.clock.now())
    assert.equal(version(1)?.compromised, true)
  })

  it('is not shown to clients, and neither is the one before', async () => {
    const { first } = await started(shown())
    await rotate()
    assert.equal(live('/old'), first)
    await compromise()
    assert.equal(live('/old'), undefined)
    assert.deepEqual([version(1)?.state, version(2)?.state], ['withdrawn', 'withdrawn'])
  })

  it('that clients were shown when it was marked loses its overlap at once', async () => {
    const { engine } = await started(shown())
    scratch.world.before = (effect) => {
      if (effect === 'activate /old') scratch.store.keys.compromise('key', [1], actor)
    }
    await rotate()
    assert.equal(version(1)?.overlapUntil, scratch.clock.now())
    await engine.endOverlap('key', actor)?.done
    assert.equal(live('/old'), undefined)
  })

  it('is due again when the crash came before anything was changed', async () => {
    const { material, first } = await started(shown())
    scratch.world.before = (effect) => {
      if (effect === 'activate /key') scratch.world.dead = true
    }
    compromise().catch(() => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    await (await scratch.restart([material])).start()
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.match(rotation?.detail ?? '', /interrupted before anything was changed/)
    assert.equal(live(), first)
    assert.equal(scratch.store.keys.active('key')?.compromised, true)
  })

  it('stays in use, by a consumer that runs, when nothing new could be put anywhere', async () => {
    const targets = [new MemoryTarget(scratch.world, '/key', { offline: true })]
    const { material, first } = await started({ targets })
    scratch.world.before = (effect) => {
      if (effect === 'activate /key') throw new Error('disk full')
    }
    assert.equal((await compromise()).result, 'failed')
    assert.equal(live(), first)
    assert.equal(material.consumer.running, true)
    assert.equal(scratch.store.keys.active('key')?.number, 1)
  })

  it('does not keep its consumer down when half of the places are new; apply makes them whole', async () => {
    const consumer = new MemoryConsumer(scratch.world, 'pair-server', ['/key', '/second'])
    const { engine } = await started({
      consumers: [consumer.managed()],
      verifiers: [],
      targets: ['/key', '/second'].map(
        (path) => new MemoryTarget(scratch.world, path, { offline: true }),
      ),
    })
    scratch.world.before = (effect) => {
      if (effect === 'activate /second') throw new Error('disk full')
    }
    const rotation = await compromise()
    assert.equal(rotation.result, 'needs_attention')
    assert.match(rotation.detail ?? '', /compromised and was not given back/)
    assert.equal(consumer.running, true)
    assert.equal(scratch.store.keys.active('key')?.number, 2)
    scratch.world.before = () => {}
    assert.equal((await engine.apply('key', actor).done).result, 'applied_unproved')
    assert.equal(live('/second'), live('/key'))
  })

  it('is not given back by a recovery that was interrupted too often', async () => {
    const { material, first } = await started()
    for (let life = 0; life < 4; life += 1) {
      scratch.world.before = (effect) => {
        if (effect === 'restart key-server') scratch.world.dead = true
      }
      if (life === 0) compromise().catch(() => {})
      else scratch.engine.start().catch(() => {})
      for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
      await scratch.restart([material])
    }
    await scratch.engine.start()
    assert.notEqual(live(), first)
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'needs_attention')
    assert.equal(scratch.store.keys.active('key')?.number, 2)
  })

  it('that is next is given up, and a fresh one made', async () => {
    const { first } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server') scratch.store.keys.compromise('key', [2], actor)
    }
    const rotation = await rotate()
    assert.equal(rotation.result, 'rolled_back')
    assert.match(rotation.detail ?? '', /version 2 of key was marked as compromised meanwhile/)
    assert.equal(live(), first)
    scratch.world.before = () => {}
    await rotate()
    assert.equal(scratch.store.keys.active('key')?.number, 3)
  })

  it('that is next and half in place is given up by recovery, which says why', async () => {
    const { material, first } = await started()
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server') scratch.world.dead = true
    }
    rotate().catch(() => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    await scratch.restart([material])
    scratch.store.keys.compromise('key', [2], actor)
    await scratch.engine.start()
    assert.equal(live(), first)
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'rolled_back')
    assert.match(rotation?.detail ?? '', /the new version was compromised/)
  })
})

describe('a compromise', () => {
  it('marks what is in use, in overlap and announced, and nothing that is kept', async () => {
    const { engine } = await started(shown())
    await rotate()
    await rotate()
    await engine.announce('key', actor).done
    assert.deepEqual(states(), ['prepared', 'active', 'retiring', 'withdrawn'])
    assert.deepEqual(engine.markCompromised('key', undefined, actor), [4, 3, 2])
    assert.equal(version(1)?.compromised, false)
  })

  it('ends the overlap at once and passes the announced version over', async () => {
    const { engine } = await started(shown())
    await rotate()
    await engine.announce('key', actor).done
    assert.equal((await compromise()).result, 'succeeded')
    assert.deepEqual(states(), ['active', 'withdrawn', 'withdrawn', 'withdrawn'])
    assert.deepEqual([live('/old'), live('/next')], [undefined, undefined])
  })

  it('that finds its work done by the rotation that was under way ends what is left of an overlap', async () => {
    const { engine } = await started(shown())
    let compromised: ReturnType<typeof compromise> | undefined
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server') compromised ??= compromise()
    }
    await rotate()
    assert.equal((await compromised)?.trigger, 'overlap-end')
    assert.deepEqual(states(), ['active', 'withdrawn'])
    assert.equal(live('/old'), undefined)
    scratch.world.before = () => {}
    assert.equal(engine.endOverlap('key', actor), undefined)
  })

  it('typed twice replaces it once', async () => {
    await started()
    const [one, other] = await Promise.all([compromise(), compromise()])
    assert.equal(one.id, other.id)
    assert.deepEqual(states(), ['active', 'withdrawn'])
  })

  it('that comes before the recovery of a rotation lets that clear what clients were shown', async () => {
    const { material, first } = await started(shown())
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server') scratch.world.dead = true
    }
    rotate().catch(() => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    assert.equal(live('/old'), first)
    const engine = await scratch.restart([material])
    const marked = engine.markCompromised('key', undefined, actor)
    assert.deepEqual(marked, [2, 1], 'nobody knows for how long the next one has been in use')
    await engine.start()
    assert.equal((await engine.replaceCompromised('key', marked, actor).done).result, 'succeeded')
    assert.equal(live('/old'), undefined)
    assert.deepEqual(states(), ['active', 'withdrawn', 'withdrawn'])
    assert.equal(scratch.store.schedule.get('key').attention, undefined)
  })

  it('never shows a leaked version again although clients can still use it', async () => {
    const { engine, material } = await started(shown())
    await rotate()
    scratch.store.keys.compromise('key', [1], actor)
    material.verifier.refuses = async () => ({ yes: false, reason: 'both work' })
    Object.assign(material.verifier, { accepts: async () => ({ yes: false, reason: 'unseen' }) })
    const ended = await engine.endOverlap('key', actor)?.done
    assert.equal(ended?.result, 'needs_attention')
    assert.equal(live('/old'), undefined)
    assert.equal(version(1)?.state, 'withdrawn')
  })

  it('makes no first version where the config does not say create', async () => {
    scratch.world.places.set('/key', 'unreadable')
    const kind = { ...memoryKind }
    delete kind.adopt
    await started({ kind, onMissing: 'refuse' })
    await assert.rejects(compromise(), { kind: 'refused' })
    assert.equal(live(), 'unreadable')
  })
})

describe('an announced version', () => {
  it('is announced once', async () => {
    const { engine } = await started(shown())
    await engine.announce('key', actor).done
    await assert.rejects(engine.announce('key', actor).done, { kind: 'refused' })
  })

  it('that has expired while it waited is not used, and is gone with the next success', async () => {
    const { engine, material } = await started(shown())
    const { kind } = material
    const generate: MadeHere['generate'] = async (...asked) => ({
      ...(await kind.generate(...asked)),
      notAfter: scratch.clock.now() + day,
    })
    Object.assign(material, { kind: { ...kind, generate } })
    await engine.announce('key', actor).done
    scratch.clock.pass(2 * day)
    assert.equal((await rotate()).result, 'succeeded')
    assert.equal(scratch.store.keys.active('key')?.number, 3)
    assert.equal(version(2)?.state, 'withdrawn')
    assert.notEqual(version(2)?.keepUntil, undefined)
    assert.equal(live('/next'), undefined)
  })

  it('stays announced when nothing was tried with it, and goes when it was refused', async () => {
    const { engine, material, first } = await started(shown())
    await engine.announce('key', actor).done
    const announced = live('/next')
    scratch.clock.pass(day)
    scratch.world.before = (effect) => {
      if (effect === 'stage /old') throw new Error('disk full')
    }
    assert.equal((await rotate()).result, 'failed')
    assert.equal(version(2)?.state, 'prepared')
    assert.equal(live('/next'), announced)
    scratch.world.before = () => {}
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    assert.equal((await rotate()).result, 'rolled_back')
    assert.equal(version(2)?.state, 'withdrawn')
    assert.equal(live('/next'), undefined)
  })

  it('that has leaked by itself is passed over for a fresh one', async () => {
    const { engine } = await started(shown())
    await engine.announce('key', actor).done
    scratch.clock.pass(day)
    scratch.store.keys.compromise('key', [2], actor)
    assert.equal((await rotate()).result, 'succeeded')
    assert.equal(scratch.store.keys.active('key')?.number, 3)
    assert.equal(live('/next'), undefined)
  })

  it('is passed over when the version in use has leaked', async () => {
    const { engine } = await started(shown())
    await engine.announce('key', actor).done
    scratch.clock.pass(day)
    scratch.store.keys.compromise('key', [1], actor)
    await rotate()
    assert.equal(scratch.store.keys.active('key')?.number, 3)
    assert.equal(version(2)?.state, 'withdrawn')
    assert.equal(live('/next'), undefined)
  })
})

describe('versions that are given up', () => {
  it('are kept for a while when something else is adopted in their place', async () => {
    const { engine, material } = await started()
    scratch.world.places.set('/key', 'edited')
    await engine.adopt('key', actor)
    assert.equal(version(1)?.state, 'withdrawn')
    assert.equal(version(1)?.keepUntil, scratch.clock.now() + material.keep)
  })

  it('are kept as long as clients may still use them', async () => {
    await started({ ...shown(), keep: 1_000 })
    await rotate()
    const { state, overlapUntil = 0, keepUntil = 0 } = version(1) ?? {}
    assert.equal(state, 'retiring')
    assert.ok(keepUntil >= overlapUntil, `${keepUntil} is before ${overlapUntil}`)
  })

  it('stay in overlap when the version in use is applied again', async () => {
    const { engine, first } = await started(shown())
    await rotate()
    scratch.world.places.delete('/old')
    scratch.world.places.set('/key', 'edited')
    assert.equal((await engine.apply('key', actor).done).result, 'succeeded')
    assert.equal(version(1)?.state, 'retiring')
    assert.equal(live('/old'), first)
  })
})
