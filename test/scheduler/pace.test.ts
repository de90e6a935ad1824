import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pace } from '../../src/scheduler/pace.ts'

describe('Pace', () => {
  const names = ['a', 'b', 'c', 'd']
  const slots = (pace: Pace, now: number) => names.map((name) => pace.slotOf(name, now))

  it('lets everybody go at once where no clock has jumped', () => {
    assert.deepEqual(slots(new Pace(), 5), [5, 5, 5, 5])
  })

  it('gives three slots a minute after a jump, to each its own however often it asks', () => {
    const pace = new Pace()
    pace.begin(1_000)
    assert.deepEqual(slots(pace, 1_000), [1_000, 21_000, 41_000, 61_000])
    assert.deepEqual(slots(pace, 20_000), [1_000, 21_000, 41_000, 61_000])
    pace.used('a')
    assert.equal(pace.slotOf('a', 20_000), 81_000)
  })

  it('lets everybody go again once the backlog is done', () => {
    const pace = new Pace()
    pace.begin(0)
    for (const name of names) {
      pace.slotOf(name, 0)
      pace.used(name)
    }
    assert.deepEqual(slots(pace, 100_000), [100_000, 100_000, 100_000, 100_000])
  })
})
