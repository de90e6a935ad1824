import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { backoff } from '../../src/scheduler/backoff.ts'
import { jitter } from '../../src/scheduler/jitter.ts'

const minute = 60_000
const day = 86_400_000

describe('backoff', () => {
  it('is between a minute and a day, and never more than an eighth of what is left', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 4_000 * day, noNaN: true }),
        (seed, failures, horizon) => {
          const wait = backoff(seed, failures, horizon)
          assert.ok(wait >= minute && wait <= day)
          assert.ok(wait <= Math.max(minute, horizon / 8))
        },
      ),
    )
  })

  it('doubles, give or take a fifth, up to its limit', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 10 }), (seed, failures) => {
        const doubled = minute * 2 ** (failures - 1)
        const wait = backoff(seed, failures, 365 * day)
        assert.ok(wait >= Math.max(minute, doubled * 0.8 - 1) && wait <= doubled * 1.2)
      }),
    )
  })

  it('spreads materials that failed together', () => {
    const waits = Array.from({ length: 100 }, (_, index) => backoff(`m${index}`, 20, 365 * day))
    assert.ok(new Set(waits).size > 90)
  })
})

describe('jitter', () => {
  it('is at most a twentieth of the interval and always the same', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 2e12 }),
        fc.integer({ min: -day, max: 4_000 * day }),
        (material, due, interval) => {
          const early = jitter(material, due, interval)
          assert.ok(early >= 0 && early <= Math.max(0, interval) / 20)
          assert.equal(jitter(material, due, interval), early)
        },
      ),
    )
  })

  it('uses its range', () => {
    const all = Array.from({ length: 1_000 }, (_, index) => jitter(`m${index}`, 0, 20_000))
    const mean = all.reduce((sum, one) => sum + one) / all.length
    assert.ok(mean > 450 && mean < 550 && Math.min(...all) < 20 && Math.max(...all) > 980)
  })
})
