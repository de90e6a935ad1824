import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { observing } from '../../src/operations/refusal.ts'

describe('mode observe', () => {
  it('refuses whoever would change something', () => {
    assert.equal(observing('observe')?.kind, 'refused')
    assert.equal(observing('approve'), undefined)
    assert.equal(observing('rotate'), undefined)
  })
})
