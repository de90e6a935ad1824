import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Rotation, StepRecord } from '../../src/model/rotation.ts'
import { disturbances } from '../../src/operations/disturbance.ts'
import { MemoryTarget, MemoryWorld, memoryMaterial } from '../fakes/memory-world.ts'
import { testEdition } from '../support/test-edition.ts'

const world = new MemoryWorld()
const to = testEdition(1, 'value')

function step(name: StepRecord['name'], started: number, ended: number): StepRecord {
  return { name, subject: 'key-server', direction: 'forward', started, ended, outcome: 'done' }
}

function rotation(...steps: readonly StepRecord[]): Rotation {
  const common = { id: 'r', trigger: 'manual', actor: 'cli:eve', direction: 'forward' } as const
  return { ...common, changes: [], tries: 1, started: 0, steps }
}

describe('how long a consumer is down', () => {
  it('is not known before the first rotation, but has a limit', () => {
    const [hit] = disturbances({ material: memoryMaterial(world, 'key'), to }, [])
    assert.deepEqual(hit, { consumer: 'key-server', verb: 'restart', at_most_seconds: 7 })
  })

  it('is the middle of the last five, from its stop until it was ready', () => {
    const targets = [new MemoryTarget(world, '/key', { offline: true })]
    const material = memoryMaterial(world, 'key', { targets })
    const history = [4, 1, 2, 9, 3, 70, 80].map((seconds) =>
      rotation(step('quiesce', 10_000, 10_500), step('resume', 11_000, 10_000 + seconds * 1000)),
    )
    const [hit] = disturbances({ material, to }, history)
    assert.deepEqual([hit?.verb, hit?.usual_seconds, hit?.at_most_seconds], ['stop-start', 3, 12])
  })

  it('counts neither the way back nor one that never came up', () => {
    const history = [
      rotation({ ...step('resume', 0, 5_000), direction: 'back' }),
      rotation({ ...step('resume', 0, 5_000), outcome: 'failed' }),
    ]
    const [hit] = disturbances({ material: memoryMaterial(world, 'key'), to }, history)
    assert.equal(hit?.usual_seconds, undefined)
  })

  it('is none for a consumer that goes on running', () => {
    const material = memoryMaterial(world, 'key')
    const consumers = [material.consumer.managed({ apply: 'signal' })]
    assert.deepEqual(disturbances({ material: { ...material, consumers }, to }, []), [
      { consumer: 'key-server', verb: 'signal' },
    ])
  })
})
