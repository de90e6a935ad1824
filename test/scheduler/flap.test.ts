import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { emergencyLine } from '../../src/scheduler/emergency.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { day, hour, inhabitant, minute, night, SimulatedHost } from './simulated-host.ts'

const start = '2027-01-10T15:30:00Z'
/** A tick, a rotation, and the second that nothing is looked at more often than. */
const slack = 15 * minute

/** A certificate and a bot's token, which share a consumer and its window. */
function hostWith(lifetime: number): SimulatedHost {
  const chat = { window: night, consumers: ['chat'] }
  const host = new SimulatedHost(
    [
      inhabitant('tls', { before_expiry: '30d' }, { ...chat, lifetime }),
      inhabitant('bot', { every: '1d' }, chat),
    ],
    new FakeClock(start),
  )
  host.tick = 10 * minute
  return host
}

const failures = fc.array(
  fc.record({
    result: fc.constantFrom('failed' as const, 'rolled_back' as const),
    blamed: fc.constantFrom('tls', 'bot', undefined),
    restart: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
)

describe('the flap rule', () => {
  it('leaves nothing that expires untried for more than a day past its emergency line, whatever fails', async () => {
    const lifetimes = fc.constantFrom(2 * day, 6 * day, 47 * day)
    await fc.assert(
      fc.asyncProperty(failures, lifetimes, async (sequence, lifetime) => {
        const host = hostWith(lifetime)
        const { notAfter = 0 } = host.active('tls')
        const line = emergencyLine(host.active('tls')) ?? 0
        assert.equal(line, notAfter - Math.max(lifetime / 20, hour))
        let next = 0
        host.outcome = (materials) => {
          const { result, blamed } = sequence[next++ % sequence.length]!
          return blamed !== undefined && materials.includes(blamed)
            ? { result, blamed }
            : { result }
        }
        await host.on()
        let suspended = false
        while (host.clock.now() < notAfter + 3 * day) {
          await host.clock.advance(5 * hour)
          if (sequence[next % sequence.length]!.restart) {
            await host.off()
            await host.on()
          }
          // What is suspended is shown as suspended, for as long as it is.
          const shown = host.scheduler.stateOf('tls')?.state
          const isSuspended = host.state.get('tls').suspended !== undefined
          if (shown !== 'rotating') assert.equal(shown === 'suspended', isSuspended)
          assert.ok(isSuspended || !suspended, 'only success or a person lifts it')
          suspended = isSuspended
        }
        const attempts = host.rotationsOf('tls').map(({ at }) => at)
        const before = attempts.findLast((at) => at < line) ?? -Infinity
        const moments = [Math.max(line, before), ...attempts.filter((at) => at >= line)]
        moments.push(host.clock.now())
        for (const [index, at] of moments.slice(1).entries()) {
          const gap = at - moments[index]!
          assert.ok(gap <= day + slack, `untried for ${gap / hour} hours past the line`)
        }
        await host.off()
      }),
      { numRuns: 25 },
    )
  })

  it('counts against the member of a set whose verifier said no, and only when it is tried alone', async () => {
    const host = hostWith(47 * day)
    host.outcome = (materials) =>
      materials.includes('bot') ? { result: 'rolled_back', blamed: 'bot' } : { result: 'succeeded' }
    await host.on()
    const due = host.state.get('tls').due ?? 0
    host.state.set({ ...host.state.get('bot'), due })
    await host.clock.advanceTo(due + 2 * day)
    const [set, ...rest] = host.rotations
    assert.deepEqual(set?.materials.toSorted(), ['bot', 'tls'])
    assert.ok(rest.every(({ materials }) => materials.length === 1))
    const alone = host.rotationsOf('bot').slice(1)
    assert.equal(alone.length, 2, 'twice alone, and then no more')
    assert.equal(host.rotationsOf('tls').length, 2)
    assert.equal(host.state.get('tls').suspended, undefined)
    assert.equal(host.state.get('bot').rollbacks.length, 2)
    assert.equal(host.scheduler.stateOf('bot')?.state, 'suspended')
    await host.off()
  })

  it('tries what has leaked once a day, also what never expires', async () => {
    const host = new SimulatedHost(
      [inhabitant('token', 'on_compromise', { window: night })],
      new FakeClock(start),
    )
    host.tick = 10 * minute
    host.outcome = () => ({ result: 'rolled_back' })
    await host.on()
    await host.clock.advance(40 * day)
    assert.deepEqual(host.rotations, [])
    host.versions.set('token', [{ ...host.active('token'), compromised: true }])
    host.scheduler.poke('token')
    await host.clock.advance(10 * day)
    const attempts = host.rotations.map(({ at }) => at)
    assert.ok(attempts.length >= 10 && attempts.length <= 12, `${attempts.length} attempts`)
    assert.equal(host.scheduler.stateOf('token')?.state, 'suspended')
    host.outcome = () => ({ result: 'succeeded' })
    await host.clock.advance(day + slack)
    assert.equal(host.scheduler.stateOf('token')?.state, 'idle')
    assert.equal(host.state.get('token').due, undefined)
    await host.off()
  })
})
