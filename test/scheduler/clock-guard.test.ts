import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClockGuard } from '../../src/scheduler/clock-guard.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { MemoryScheduleState } from '../fakes/memory-schedule-state.ts'
import { day, hour, minute, second } from './simulated-host.ts'

const built = Date.parse('2026-06-01T00:00:00Z')

function setUp(now: string | number = '2027-01-10T12:00:00Z') {
  const clock = new FakeClock(now)
  const state = new MemoryScheduleState()
  const signs = { bootId: 'one', isSynchronised: false, synchronised: () => signs.isSynchronised }
  const restart = () => new ClockGuard(clock, state, built, signs)
  return { clock, state, signs, restart, guard: restart() }
}

describe('ClockGuard', () => {
  it('trusts a clock that just runs, and writes it down every ten minutes', async () => {
    const { clock, state, guard } = setUp()
    for (let look = 0; look < 120; look += 1) {
      assert.deepEqual(guard.look(), { jumped: false, doubt: 0 })
      await clock.advance(30 * second)
    }
    assert.equal(state.writes, 6)
  })

  it('makes nothing before the build date: a first boot without a clock', async () => {
    const { clock, state, guard } = setUp('1970-01-01T00:00:10Z')
    assert.match(guard.look().suspect ?? '', /behind/)
    await clock.advance(day)
    assert.match(guard.look().suspect ?? '', /behind/)
    assert.equal(state.accepted(), undefined)
    await clock.jump(Date.parse('2027-01-01') - clock.now())
    assert.deepEqual(guard.look(), { jumped: false, doubt: 0 })
  })

  it('makes nothing before the newest version became valid', () => {
    const { clock, guard } = setUp()
    assert.equal(guard.look(clock.now() + 4 * minute).suspect, undefined)
    assert.match(guard.look(clock.now() + hour).suspect ?? '', /behind/)
  })

  it('makes nothing before the last accepted time, also after a restart', async () => {
    const { clock, guard, restart } = setUp()
    guard.look()
    await clock.jump(-hour)
    assert.match(guard.look().suspect ?? '', /60m behind/)
    assert.match(restart().look().suspect ?? '', /behind/)
    await clock.advance(hour)
    assert.equal(guard.look().suspect, undefined)
  })

  it('takes small corrections in both directions', async () => {
    const { clock, guard } = setUp()
    for (const correction of [4 * minute, -4 * minute, 4 * minute, -minute]) {
      guard.look()
      await clock.advance(minute)
      await clock.jump(correction)
      assert.deepEqual(guard.look(), { jumped: false, doubt: 0 })
    }
  })

  it('holds a jump forward until it has been steady for ten minutes', async () => {
    const { clock, guard } = setUp()
    guard.look()
    await clock.jump(day)
    assert.match(guard.look().suspect ?? '', /24h forward/)
    await clock.advance(6 * minute)
    assert.ok(guard.look().suspect)
    await clock.jump(hour)
    guard.look()
    await clock.advance(10 * minute - second)
    assert.ok(guard.look().suspect, 'counts from the last jump')
    await clock.advance(second)
    assert.deepEqual(guard.look(), { jumped: true, doubt: day + hour })
    assert.deepEqual(guard.look(), { jumped: false, doubt: day + hour })
  })

  it('believes the system when it says that it is synchronised, and then has no doubt', async () => {
    const { clock, signs, guard } = setUp()
    guard.look()
    await clock.jump(400 * day)
    signs.isSynchronised = true
    assert.deepEqual(guard.look(), { jumped: true, doubt: 0 })
  })

  it('keeps its doubt over restarts until the system is synchronised', async () => {
    const { clock, signs, guard, restart } = setUp()
    guard.look()
    await clock.jump(400 * day)
    guard.look()
    await clock.advance(10 * minute)
    guard.look()
    assert.deepEqual(restart().look(), { jumped: false, doubt: 400 * day })
    signs.isSynchronised = true
    assert.deepEqual(restart().look(), { jumped: false, doubt: 0 })
  })

  it('notices a jump while the daemon was off, in the same boot', async () => {
    const { clock, guard, restart } = setUp()
    guard.look()
    await clock.advance(60 * day)
    assert.equal(restart().look().suspect, undefined)
    await clock.jump(hour)
    assert.match(restart().look().suspect ?? '', /forward/)
  })

  it('lets a machine have been off for a day, but holds more', () => {
    const { clock, signs, guard, restart } = setUp()
    guard.look()
    clock.reboot(20 * hour)
    signs.bootId = 'two'
    assert.deepEqual(restart().look(), { jumped: false, doubt: 0 })
    clock.reboot(3 * day)
    signs.bootId = 'three'
    assert.match(restart().look().suspect ?? '', /forward/)
  })

  it('takes a suspend for time that passed', async () => {
    const { clock, guard } = setUp()
    guard.look()
    await clock.suspend(60 * day)
    assert.deepEqual(guard.look(), { jumped: false, doubt: 0 })
  })

  it('goes on when the operator says that the clock is right', async () => {
    const { clock, guard } = setUp()
    guard.look()
    await clock.jump(-100 * day)
    assert.ok(guard.look().suspect)
    guard.confirm()
    assert.deepEqual(guard.look(), { jumped: false, doubt: 0 })
  })
})
