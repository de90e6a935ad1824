import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import type { OnFailure } from '../../src/model/version.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import {
  MemoryConsumer,
  MemoryTarget,
  MemoryVerifier,
  memoryMaterial,
} from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }

let scratch: ScratchEngine

beforeEach(() => {
  scratch = new ScratchEngine()
})
afterEach(() => scratch.dispose())

/** A material of whose versions only the first ever works. */
async function started(overrides: Partial<ManagedMaterial<MadeHere>> = {}) {
  const material = memoryMaterial(scratch.world, 'key', overrides)
  const engine = await scratch.create([material])
  await engine.start()
  const first = live()
  refuseOthers(material, first)
  return { engine, material, first }
}

type WithVerifier = ManagedMaterial & { readonly verifier: MemoryVerifier }

function refuseOthers({ verifier, consumers }: WithVerifier, value: string | undefined): void {
  const serving = () => consumers.map(({ consumer }) => consumer as MemoryConsumer)
  verifier.answer = (verdict) =>
    serving().every((consumer) => consumer.serving.get(verifier.subject) === value)
      ? verdict
      : { yes: false, reason: 'unseen' }
}

const live = () => scratch.world.places.get('/key')
const latest = (material = 'key') => scratch.store.journal.history({ material, limit: 1 })[0]
const compromise = (onFailure?: OnFailure) =>
  scratch.engine.compromise('key', onFailure, actor).done

/** From this effect on nothing is done any more, as after `kill -9`. */
async function dieAt(effect: string, act: () => Promise<unknown>): Promise<void> {
  scratch.world.before = (next) => {
    if (next === effect) scratch.world.dead = true
  }
  act().catch(() => {})
  for (let turn = 0; turn < 100; turn += 1) await new Promise((next) => setImmediate(next))
  assert.equal(scratch.world.dead, true, `${effect} never came`)
}

describe('what to do when the version that replaces a leaked one does not work', () => {
  for (const [chosen, usual] of [
    ['old', 'stay-down'],
    ['stay-down', 'old'],
  ] as const) {
    const expectChosen = (first: string | undefined) => {
      const back = chosen === 'old'
      assert.equal(live() === first, back)
      assert.equal(latest()?.result, back ? 'rolled_back' : 'needs_attention')
      assert.equal(scratch.store.keys.active('key')?.number === 1, back)
    }

    it(`is ${chosen} where a person says so, although ${usual} is usual`, async () => {
      const { first } = await started({ onFailure: usual })
      await compromise(chosen)
      expectChosen(first)
    })

    it(`is still ${chosen} after a crash in the middle`, async () => {
      const { material, first } = await started({ onFailure: usual })
      await dieAt('restart key-server', () => compromise(chosen))
      await (await scratch.restart([material])).start()
      expectChosen(first)
    })

    it(`is still ${chosen} after a crash between the mark and the rotation`, async () => {
      const { material, first } = await started({ onFailure: usual })
      await dieAt('journal begin', () => compromise(chosen))
      const engine = await scratch.restart([material])
      await engine.start()
      assert.equal(latest()?.trigger, 'schedule', 'nothing was begun')
      const due = { materials: ['key'], trigger: 'schedule' as const, actor, wait: true }
      await engine.rotate(due).done
      expectChosen(first)
    })

    it(`is ${chosen} for a rotation that was under way, too`, async () => {
      const { engine, first } = await started({ onFailure: usual })
      let marked = false
      scratch.world.before = (effect) => {
        if (effect !== 'restart key-server' || marked) return
        marked = true
        engine.markCompromised('key', chosen, actor)
      }
      const manual = { materials: ['key'], trigger: 'manual' as const, actor, wait: false }
      await engine.rotate(manual).done
      expectChosen(first)
    })
  }

  for (const usual of ['old', 'stay-down'] as const) {
    it(`is ${usual} where the material has it so and nobody says otherwise`, async () => {
      const { first } = await started({ onFailure: usual })
      await compromise()
      assert.equal(live() === first, usual === 'old')
      assert.equal(scratch.store.keys.active('key')?.number === 1, usual === 'old')
    })
  }

  it('is tried with three fresh values before the last one is left in place', async () => {
    const { first } = await started()
    assert.equal((await compromise()).result, 'needs_attention')
    const tries = scratch.store.journal.history({ material: 'key', limit: 9 })
    assert.deepEqual(
      tries.map(({ trigger, result }) => `${trigger} ${result}`),
      [
        'compromise needs_attention',
        'compromise needs_attention',
        'compromise needs_attention',
        'schedule succeeded',
      ],
    )
    assert.notEqual(live(), first)
    assert.equal(scratch.store.keys.active('key')?.number, 4)
  })

  it('is over when the second value is taken', async () => {
    const { material } = await started()
    const seen = new Set<string>()
    material.verifier.answer = (verdict) => {
      seen.add(live() ?? '')
      return seen.size < 2 ? { yes: false, reason: 'I do not like it' } : verdict
    }
    const rotation = await compromise()
    assert.equal(rotation.result, 'succeeded')
    assert.deepEqual(rotation.changes, [{ material: 'key', from: 2, to: 3 }])
    assert.equal(scratch.store.schedule.get('key').attention, undefined)
  })

  it('is no second value where something else than the proof has failed', async () => {
    await started()
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server') throw new Error('exit 1')
    }
    assert.equal((await compromise()).result, 'needs_attention')
    assert.equal(scratch.store.keys.list('key').length, 2)
  })
})

describe('why a rotation turned back', () => {
  it('is remembered over a crash on the way back', async () => {
    const { material, first } = await started()
    let restarts = 0
    scratch.world.before = (effect) => {
      if (effect === 'restart key-server' && (restarts += 1) === 2) scratch.world.dead = true
    }
    const manual = { materials: ['key'], trigger: 'manual' as const, actor, wait: false }
    scratch.engine.rotate(manual).done.catch(() => {})
    for (let turn = 0; turn < 200; turn += 1) await new Promise((next) => setImmediate(next))
    assert.match(latest()?.detail ?? '', /does not show version 2 of key: unseen/)
    await (await scratch.restart([material])).start()
    assert.equal(live(), first)
    assert.equal(latest()?.result, 'rolled_back')
    assert.match(latest()?.detail ?? '', /does not show version 2 of key: unseen/)
  })

  it('blames only the member whose verifier said no, also after a crash', async () => {
    const { world } = scratch
    const consumer = new MemoryConsumer(world, 'server', ['/a', '/b'])
    const [a, b] = ['a', 'b'].map((name) => {
      const verifier = new MemoryVerifier(consumer, `/${name}`)
      const targets = [new MemoryTarget(world, `/${name}`)]
      const shared = { consumers: [consumer.managed()], targets, verifiers: [verifier] }
      return { ...memoryMaterial(world, name, shared), verifier }
    })
    assert.ok(a && b)
    await (await scratch.create([a, b])).start()
    refuseOthers(b, world.places.get('/b'))
    let restarts = 0
    world.before = (effect) => {
      if (effect === 'restart server' && (restarts += 1) === 2) world.dead = true
    }
    const manual = { materials: ['a', 'b'], trigger: 'manual' as const, actor, wait: false }
    scratch.engine.rotate(manual).done.catch(() => {})
    for (let turn = 0; turn < 200; turn += 1) await new Promise((next) => setImmediate(next))
    await (await scratch.restart([a, b])).start()
    assert.equal(latest('a')?.result, 'rolled_back')
    assert.deepEqual(
      scratch.outcomes.slice(-2).map(({ material, blamed }) => [material, blamed]),
      [
        ['a', false],
        ['b', true],
      ],
    )
  })
})
