import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DescribedMaterial } from '../../src/operations/described.ts'
import { impactCountOf, impactText } from '../../src/operations/impact.ts'

const rotating = (...names: readonly string[]) => ({
  isRotating: (name: string) => names.includes(name),
})

describe('how many a rotation hits', () => {
  let asked = 0
  const described: DescribedMaterial = {
    name: 'opaque-setup',
    kind: 'consumer-made',
    schedule: 'on_compromise',
    consumers: [],
    targets: [],
    approval: false,
    contains: [],
    impactCount: {
      unit: 'users',
      reads: ['opaque-setup', 'db-key'],
      ask: async () => ({ unit: 'users', count: (asked += 1) }),
    },
  }

  it('is not asked while the database is being changed, also by the rotation of its key', async () => {
    const busy = { impact_count: { unit: 'users', problem: 'a rotation is under way' } }
    assert.deepEqual(await impactCountOf(described, rotating('db-key')), busy)
    assert.deepEqual(await impactCountOf(described, rotating('opaque-setup')), busy)
    assert.equal(asked, 0)
    const counted = await impactCountOf(described, rotating('vapid'))
    assert.deepEqual(counted, { impact_count: { unit: 'users', count: 1 } })
  })

  it('stands before the words, and so does that it could not be counted', () => {
    const words = 'Everybody is signed out.'
    assert.equal(impactText(words, undefined), words)
    assert.equal(impactText(words, { unit: 'users', count: 0 }), `0 users: ${words}`)
    assert.equal(
      impactText(words, { unit: 'users', problem: 'no answer within 3s' }),
      `could not count users (no answer within 3s): ${words}`,
    )
  })
})
