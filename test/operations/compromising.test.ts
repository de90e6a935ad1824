import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { LocalOperations } from '../../src/operations/local-operations.ts'
import { ScratchOperations } from './scratch-operations.ts'

const alice = { who: 'cli:alice' }

describe('the mark of a compromise', () => {
  let scratch: ScratchOperations
  let operations: LocalOperations
  const isMarked = () => scratch.scratch.store.keys.get('key', 1)?.compromised
  beforeEach(async () => {
    scratch = new ScratchOperations()
    operations = await scratch.create()
  })
  afterEach(() => scratch.dispose())

  const ways = {
    compromise: () => operations.compromise('key', {}, alice),
    'rotate for that reason': () =>
      operations.startRotation('key', { reason: 'compromise' }, alice),
  }
  for (const [words, ask] of Object.entries(ways)) {
    it(`is there before an open rotation is brought to its end: ${words}`, async () => {
      const found: unknown[] = []
      scratch.recover = async () => {
        found.push(isMarked())
        throw new Error('the disk is full')
      }
      await assert.rejects(ask(), /the disk is full/)
      assert.deepEqual([...found, isMarked()], [true, true])
    })
  }
})
