import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { IdempotencyKeys } from '../../src/admin/idempotency-keys.ts'

describe('IdempotencyKeys', () => {
  it('does again what failed', async () => {
    const keys = new IdempotencyKeys<number>()
    await assert.rejects(
      keys.once('k', 'a', () => Promise.reject(new Error('busy'))),
      /busy/,
    )
    assert.equal(await keys.once('k', 'a', async () => 1), 1)
    assert.equal(await keys.once('k', 'a', async () => 2), 1)
  })

  it('forgets the oldest of a thousand', async () => {
    const keys = new IdempotencyKeys<number>()
    for (let index = 0; index <= 1_000; index += 1) await keys.once(`k${index}`, 'a', async () => 1)
    assert.equal(await keys.once('k1', 'a', async () => 2), 1)
    assert.equal(await keys.once('k0', 'a', async () => 2), 2)
  })

  it('does everything without a key', async () => {
    const keys = new IdempotencyKeys<number>()
    assert.equal(await keys.once(undefined, 'a', async () => 1), 1)
    assert.equal(await keys.once(undefined, 'a', async () => 2), 2)
  })
})
