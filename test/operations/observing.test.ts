import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { observing } from '../../src/operations/refusal.ts'
import { ScratchOperations } from './scratch-operations.ts'

const alice = { who: 'cli:alice' }

describe('mode observe', () => {
  it('refuses whoever would change something', () => {
    assert.equal(observing('observe')?.kind, 'refused')
    assert.equal(observing('approve'), undefined)
    assert.equal(observing('rotate'), undefined)
  })

  it('marks what has leaked, and replaces it not before the mode is another', async () => {
    const scratch = new ScratchOperations()
    try {
      scratch.mode = 'observe'
      const operations = await scratch.create()
      const first = scratch.live('key')
      await assert.rejects(operations.compromise('key', {}, alice), {
        kind: 'refused',
        message: /marked as compromised, but was not replaced: rekeyd only observes/,
      })
      await assert.rejects(operations.rollback('key', {}, alice), { kind: 'refused' })
      const { active } = await operations.material('key')
      assert.deepEqual([active?.version, active?.compromised], [1, true])
      assert.equal(scratch.live('key'), first)
    } finally {
      scratch.dispose()
    }
  })
})
