import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Progress } from '../../src/model/rotation.ts'
import type { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Move } from '../../src/targets/target.ts'
import { MemoryTarget, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

/** Takes long, and says so. */
class SlowTarget extends MemoryTarget {
  override async activate(
    move: Move,
    _held?: SecretBytes,
    _signal?: AbortSignal,
    report?: (progress: Progress) => void,
  ): Promise<void> {
    report?.({ doing: 're-encrypting', done: 40, total: 100, unit: 'bytes' })
    await super.activate(move)
    report?.({ doing: 'proving', done: 100, total: 100, unit: 'bytes' })
  }
}

describe('a step that takes long', () => {
  let scratch: ScratchEngine
  beforeEach(() => {
    scratch = new ScratchEngine()
  })
  afterEach(() => scratch.dispose())

  it('is heard of as an event with its place, forward and on the way back', async () => {
    const material = memoryMaterial(scratch.world, 'key', {
      targets: [new SlowTarget(scratch.world, '/key')],
    })
    const engine = await scratch.create([material])
    await engine.start()
    material.verifier.answer = () => ({ yes: false, reason: 'no' })
    scratch.seen.length = 0
    const { id, result } = await engine.rotate({
      materials: ['key'],
      trigger: 'manual',
      actor: { who: 'test' },
      wait: false,
    }).done
    assert.equal(result, 'needs_attention')
    const heard = scratch.seen.flatMap((event) => {
      if (event.type !== 'rotation.progress') return []
      const { type: _, at: __, ...rest } = event
      return [rest]
    })
    const where = { id, step: 'activate', material: 'key', place: '/key', unit: 'bytes' }
    const once = [
      { ...where, doing: 're-encrypting', done: 40, total: 100 },
      { ...where, doing: 'proving', done: 100, total: 100 },
    ]
    assert.deepEqual(heard, [...once, ...once])
  })
})
