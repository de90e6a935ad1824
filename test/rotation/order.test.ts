import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Engine } from '../../src/rotation/engine.ts'
import { MemoryTarget, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }

let scratch: ScratchEngine
let material: ReturnType<typeof memoryMaterial>
let engine: Engine
beforeEach(async () => {
  scratch = new ScratchEngine()
  const targets = [
    new MemoryTarget(scratch.world, '/key', { offline: true }),
    new MemoryTarget(scratch.world, '/next', { role: 'next' }),
  ]
  material = memoryMaterial(scratch.world, 'key', { targets })
  engine = await scratch.create([material])
  await engine.start()
})
afterEach(() => scratch.dispose())

/** Everything that a rotation by hand does and asks, in order; whether it acts is in the journal before it does. */
async function orderOf(act: () => Promise<unknown>): Promise<readonly string[]> {
  const order: string[] = []
  scratch.world.before = (effect) => void order.push(effect)
  for (const question of ['accepts', 'refuses', 'ready'] as const) {
    const ask = material.verifier[question].bind(material.verifier) as () => Promise<never>
    material.verifier[question] = (...args: []) => {
      order.push(question)
      return ask(...args)
    }
  }
  const { clock } = scratch
  const sleep = clock.sleep.bind(clock)
  clock.sleep = (...args) => {
    order.push('wait')
    return sleep(...args)
  }
  await act()
  return order
}

function rotate() {
  return engine.rotate({ materials: ['key'], trigger: 'manual', actor, wait: false }).done
}

/** A step with its two rows. */
const step = (...effects: string[]) => ['journal started', ...effects, 'journal ended']

describe('a rotation', () => {
  const forward = [
    'check /key',
    'check key-server',
    'accepts',
    'journal begin',
    ...step('stage /key'),
    'journal hold',
    ...step('stop key-server'),
    ...step('activate /key'),
    ...step('start key-server', 'ready'),
  ]

  it('commits the intent and what stood there before it acts, and is proved before it ends', async () => {
    const order = await orderOf(rotate)
    assert.deepEqual(order, [
      ...forward,
      ...step('accepts', 'refuses', 'wait', 'ready', 'accepts', 'refuses'),
      'journal finish',
    ])
  })

  it('turns in the journal before it goes back, stages before it stops, and proves the old one', async () => {
    const first = scratch.world.places.get('/key')
    const serves = () => material.consumer.serving.get('/key')
    material.verifier.answer = (verdict) =>
      serves() === first ? verdict : { yes: false, reason: 'unseen' }
    const order = await orderOf(rotate)
    const back = order.slice(order.indexOf('journal turn'))
    assert.deepEqual(order.slice(0, forward.length), forward)
    assert.deepEqual(back, [
      'journal turn',
      ...step('stage /key'),
      ...step('stop key-server'),
      ...step('activate /key'),
      ...step('start key-server', 'ready'),
      ...step('accepts', 'refuses', 'wait', 'ready', 'accepts', 'refuses'),
      'journal finish',
    ])
  })

  it('gives the old one back before it takes an announced one away that has failed', async () => {
    await engine.announce('key', actor).done
    const first = scratch.world.places.get('/key')
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    const order = await orderOf(rotate)
    const back = order.slice(order.indexOf('journal turn'))
    const [given, taken] = [back.indexOf('activate /key'), back.indexOf('withdraw /next')]
    assert.ok(given >= 0 && given < taken, back.join('\n'))
    assert.ok(taken < back.indexOf('start key-server'))
  })
})

describe('a mark on the version that a rotation brings', () => {
  const mark = () => scratch.store.keys.compromise('key', [2], actor)

  for (const [after, never] of [
    ['stage /key', 'stop key-server'],
    ['stop key-server', 'activate /key'],
    ['activate /key', 'accepts'],
  ] as const) {
    it(`is heeded before the next step when it comes with ${after}`, async () => {
      const order: string[] = []
      scratch.world.before = (effect) => {
        if (effect === 'journal turn') scratch.world.before = () => {}
        order.push(effect)
        if (effect === after && order.filter((one) => one === after).length === 1) mark()
      }
      const accepts = material.verifier.accepts.bind(material.verifier)
      material.verifier.accepts = (edition) => {
        if (edition.version.number === 2) order.push('accepts')
        return accepts(edition)
      }
      const old = scratch.world.places.get('/key')
      assert.notEqual((await rotate()).result, 'succeeded')
      assert.ok(!order.includes(never), order.join('\n'))
      assert.equal(scratch.world.places.get('/key'), old)
      assert.equal(material.consumer.running, true)
    })
  }

  it('is not set by somebody who finds the rotation under way: nobody had that version before', async () => {
    const marked: number[] = []
    scratch.world.before = (effect) => {
      if (effect !== 'start key-server' || marked.length > 0) return
      marked.push(...engine.markCompromised('key', undefined, actor))
    }
    assert.equal((await rotate()).result, 'succeeded')
    assert.deepEqual(marked, [1])
    assert.equal(scratch.store.keys.active('key')?.number, 2)
  })

  it('is heeded at the end, too, when it comes with the last question', async () => {
    const old = scratch.world.places.get('/key')
    const refuses = material.verifier.refuses.bind(material.verifier)
    let asked = 0
    material.verifier.refuses = async (edition) => {
      if ((asked += 1) === 2) mark()
      return refuses(edition)
    }
    assert.equal((await rotate()).result, 'rolled_back')
    assert.equal(scratch.world.places.get('/key'), old)
    assert.equal(material.consumer.serving.get('/key'), old)
  })
})
