import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { FailureLimit } from '../../src/admin/failure-limit.ts'
import { FakeClock } from '../fakes/fake-clock.ts'

let clock: FakeClock
let closing: AbortController
let logged: Readonly<Record<string, string>>[]
let limit: FailureLimit
beforeEach(() => {
  clock = new FakeClock()
  closing = new AbortController()
  logged = []
  const log = {
    warn: (_message: string, fields: Readonly<Record<string, string>>) => void logged.push(fields),
    error: () => assert.fail('this is no error'),
  }
  limit = new FailureLimit({ clock, log, closing: closing.signal })
})

const fail = (times: number) => Array.from({ length: times }, () => limit.failed('192.0.2.1'))

describe('FailureLimit', () => {
  it('answers ten at once, and then one every six seconds', async () => {
    assert.deepEqual(fail(10), Array(10).fill(undefined))
    assert.deepEqual(fail(2), [6, 6])
    await clock.advance(4_000)
    assert.deepEqual(fail(1), [2])
    await clock.advance(2_000)
    assert.deepEqual(fail(2), [undefined, 6])
    await clock.advance(3_600_000)
    assert.equal(fail(30).filter((wait) => wait === undefined).length, 10)
  })

  it('writes a line at once, and then one a minute at most, until there are no more', async () => {
    fail(1)
    assert.deepEqual(logged, [{ requests: '1', peer: '192.0.2.1' }])
    fail(500)
    assert.equal(logged.length, 1)
    await clock.advance(60_000)
    assert.equal(logged[1]?.['requests'], '500')
    for (let second = 0; second < 600; second += 1) {
      fail(100)
      await clock.advance(1_000)
    }
    assert.ok(logged.length <= 13, `${logged.length} lines in eleven minutes`)
    await clock.advance(120_000)
    const total = logged.reduce((sum, { requests }) => sum + Number(requests), 0)
    assert.equal(total, 60_501)
    assert.equal(clock.sleeping, 0)
    fail(1)
    assert.equal(logged.at(-1)?.['requests'], '1')
  })

  it('keeps nobody waiting when the listener closes', async () => {
    fail(5)
    assert.equal(clock.sleeping, 1)
    closing.abort()
    await clock.advance(0)
    assert.equal(clock.sleeping, 0)
    assert.equal(logged.length, 1)
  })
})
