import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sampleText } from '../../src/materials/random-secret.ts'

describe('random text', () => {
  it('takes every character equally often from evenly spread bytes', () => {
    const characters = Buffer.from('0123456789')
    let next = 0
    const text = sampleText(characters, 2500, (buffer) => buffer.map(() => next++ % 256) as Buffer)
    for (const character of characters) {
      assert.equal(text.filter((byte) => byte === character).length, 250)
    }
  })
})
