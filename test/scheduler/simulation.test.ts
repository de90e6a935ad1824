import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from '../fakes/fake-clock.ts'
import {
  day,
  hour,
  type Inhabitant,
  inhabitant,
  minute,
  night,
  SimulatedHost,
} from './simulated-host.ts'

const start = '2027-01-10T12:00:00Z'
/** The night has two hours, so 22 without; on the night of the change to winter time it is one more. */
const untilNight = 23 * hour
/** A rotation takes 20 s. */
const slack = minute

const everything = [
  inhabitant('token', { every: '30d' }, { window: night, overlap: 7 * day, keep: 20 * day }),
  inhabitant('hourly', { every: '6h' }, { keep: 2 * day }),
  inhabitant('first', { every: '90d', first: '2027-02-01' }, { window: night }),
  inhabitant(
    'monthly',
    { cron: { at: '0 12 1 * *', timezone: 'Europe/Berlin' } },
    { window: night },
  ),
  inhabitant('tls', { before_expiry: '30d' }, { window: night, lifetime: 47 * day, keep: 5 * day }),
  inhabitant('long-tls', { before_expiry: '30d' }, { lifetime: 200 * day }),
  inhabitant('certbot', 'on_change', { window: night, lifetime: 90 * day }),
  inhabitant('opaque', 'on_compromise'),
  inhabitant('pilcrow', { watch: { expect: '30d', grace: '3d' } }),
] as const satisfies readonly Inhabitant[]

/** By the zone's own rules, not by the cron parser's. */
function berlinHour(moment: number): number {
  const text = new Intl.DateTimeFormat('en', {
    timeZone: 'Europe/Berlin',
    hour: 'numeric',
    hourCycle: 'h23',
  }).format(moment)
  return Number(text)
}

function assertInWindow(host: SimulatedHost, emergency?: number): void {
  for (const { at, materials } of host.rotations) {
    for (const name of at === emergency ? [] : materials) {
      if (!everything.find((one) => one.name === name)?.window) continue
      const hour = berlinHour(at)
      assert.ok(hour === 3 || hour === 4, `${name} rotated at ${new Date(at).toISOString()}`)
    }
  }
}

/** From one rotation to the next it takes between `least` and `most`. */
function assertGaps(host: SimulatedHost, name: string, least: number, most: number): void {
  const moments = [Date.parse(start), ...host.rotationsOf(name).map(({ at }) => at)]
  moments.slice(1).forEach((at, index) => {
    const gap = at - moments[index]!
    const when = `${name}: ${(gap / day).toFixed(3)} days before ${new Date(at).toISOString()}`
    assert.ok(gap >= least && gap <= most, when)
  })
  const last = host.clock.now() - moments.at(-1)!
  assert.ok(last <= most, `${name}: nothing for the last ${last / day} days`)
}

describe('400 days on a simulated host', () => {
  it('rotates everything on time and in its window, nothing twice and nothing never', async () => {
    const host = new SimulatedHost(everything, new FakeClock(start))
    host.tick = 15 * minute
    await host.on()
    const changes: number[] = []
    for (let passed = 0; passed < 400; passed += 1) {
      if (passed % 60 === 30) {
        host.news.add('certbot')
        changes.push(host.clock.now())
      }
      if (passed % 30 === 29) host.news.add('pilcrow')
      await host.clock.advance(day)
    }

    assertInWindow(host)
    assertGaps(host, 'token', 28.5 * day, 30 * day + untilNight + slack)
    assertGaps(host, 'hourly', 5.7 * hour, 6 * hour + slack)
    // min(30 d, a third of the life) before the end, at most a twentieth earlier.
    assertGaps(host, 'tls', (47 * day * 2 * 0.95) / 3, (47 * day * 2) / 3 + untilNight + slack)
    assertGaps(host, 'long-tls', 170 * day * 0.95, 170 * day + slack)
    const [first, second] = host.rotationsOf('first')
    assert.equal(new Date(first!.at).toISOString(), '2027-02-01T02:00:00.000Z')
    assert.ok(second!.at - first!.at > 85 * day)

    // On the first of each month at noon it is due; the night after that it runs.
    const months = host
      .rotationsOf('monthly')
      .map(({ at }) => new Date(at).toISOString().slice(0, 10))
    assert.deepEqual(months, [
      ...['02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12'].map(
        (m) => `2027-${m}-02`,
      ),
      '2028-01-02',
      '2028-02-02',
    ])

    const renewals = host.rotationsOf('certbot').map(({ at }) => at)
    assert.equal(renewals.length, changes.length)
    renewals.forEach((at, index) =>
      assert.ok(at - changes[index]! <= untilNight + 5 * minute + slack),
    )
    assert.deepEqual([...host.rotationsOf('opaque'), ...host.rotationsOf('pilcrow')], [])
    assert.equal(host.scheduler.stateOf('pilcrow')?.state, 'idle')
    assert.ok(host.ended.length >= 12 && host.destroyed.length > 1_500)
    assert.ok([...host.ended, ...host.destroyed].every(({ late }) => late >= 0 && late < 2 * day))
    await host.off()
  })

  it('catches up once after 60 days without the daemon, in the first window', async () => {
    const unpolled = everything.filter(({ schedule }) => schedule.poll === undefined)
    const host = new SimulatedHost(unpolled, new FakeClock(start))
    host.tick = 15 * minute
    await host.on()
    await host.clock.advance(100 * day)
    await host.off()
    const before = host.rotations.length
    await host.clock.advance(60 * day)
    assert.equal(host.rotations.length, before)
    const back = host.clock.now()
    await host.on()
    await host.clock.advance(day)

    const since = (name: string) => host.rotationsOf(name).filter(({ at }) => at >= back)
    for (const name of ['token', 'monthly', 'tls']) assert.equal(since(name).length, 1, name)
    // Expired meanwhile: long past the emergency line, so it does not wait for the night.
    assert.equal(since('tls')[0]!.at, back)
    assert.ok(since('hourly').length >= 4 && since('hourly').length <= 5)
    assert.equal(since('hourly')[0]!.at, back)
    assert.deepEqual(since('long-tls'), [])
    await host.clock.advance(239 * day)
    assertInWindow(host, back)
    const after = host.rotationsOf('token').filter(({ at }) => at >= back)
    assert.ok(after.length >= 7 && after.length <= 9, `${after.length}`)
    await host.off()
  })

  it('takes a suspend for passing time, not for a jump', async () => {
    const host = new SimulatedHost(everything, new FakeClock(start))
    host.tick = 15 * minute
    await host.on()
    for (let cycle = 0; cycle < 50; cycle += 1) {
      await host.clock.advance(2 * day)
      await host.clock.suspend(6 * day)
    }
    assertInWindow(host)
    assert.deepEqual(host.suspicions, [false])
    assertGaps(host, 'token', 28.5 * day, 36 * day + untilNight + slack)
    assertGaps(host, 'hourly', 5.7 * hour, 6 * day + 6 * hour + slack)
    await host.off()
  })

  it('survives twelve jumps of 400 days with at most one rotation each and nothing destroyed early', async () => {
    const kept = everything
      .filter(({ name }) => name !== 'hourly')
      .map((one) => ({ ...one, overlap: 60 * day, keep: 100 * day }))
    const host = new SimulatedHost(kept, new FakeClock(start))
    await host.on()
    await host.clock.advance(32 * day)
    const before = new Map(kept.map(({ name }) => [name, host.rotationsOf(name).length]))
    let away = 0
    for (let jump = 0; jump < 12; jump += 1) {
      const distance = jump % 2 === 0 ? 400 * day : -400 * day
      away += distance
      await host.clock.jump(distance)
      await host.clock.advance(2 * hour)
    }
    assert.equal(away, 0)
    await host.clock.advance(day)
    for (const { name } of kept) {
      const more = host.rotationsOf(name).length - before.get(name)!
      assert.ok(more <= 1, `${name} rotated ${more} times`)
    }
    assert.deepEqual(host.destroyed, [])
    assert.deepEqual(host.ended, [])
    assert.ok(host.suspicions.includes(true))
    await host.off()
  })

  it('gives a clock that jumped forward ten minutes, and then starts three rotations a minute', async () => {
    const many = Array.from({ length: 30 }, (_, index) => inhabitant(`m${index}`, { every: '30d' }))
    const host = new SimulatedHost(many, new FakeClock(start))
    await host.on()
    await host.clock.advance(day)
    await host.clock.jump(400 * day)
    const jumped = host.clock.now()
    await host.clock.advance(9 * minute)
    assert.equal(host.rotations.length, 0)
    await host.clock.advance(21 * minute)
    assert.equal(host.rotations.length, 30)
    assert.ok(host.rotations[0]!.at - jumped >= 10 * minute)
    for (const { at } of host.rotations) {
      const within = host.rotations.filter((other) => other.at >= at && other.at < at + minute)
      assert.ok(within.length <= 3)
    }
    await host.off()
  })

  for (const lead of ['30d', '4d']) {
    it(`brings a 47-day certificate, due ${lead} before its end, over an outage of 72 hours`, async () => {
      for (const delay of [0, 30 * minute, 6 * hour, 20 * hour]) {
        const tls = inhabitant('tls', { before_expiry: lead }, { lifetime: 47 * day })
        const host = new SimulatedHost([tls], new FakeClock(start))
        host.tick = 15 * minute
        await host.on()
        const due = host.state.get('tls').due!
        const outage = { from: due - delay, to: due - delay + 72 * hour }
        host.outcome = (_, now) =>
          now >= outage.from && now < outage.to ? { result: 'failed' } : { result: 'succeeded' }
        const { notAfter } = host.active('tls')
        await host.clock.advanceTo(notAfter! - hour)

        assert.equal(host.rotations.at(-1)?.result, 'succeeded')
        assert.notEqual(host.active('tls').notAfter, notAfter)
        for (const { at } of host.rotations) {
          const within = host.rotations.filter((other) => other.at >= at && other.at < at + day)
          assert.ok(within.length <= 25, `${within.length} attempts in a day`)
        }
        await host.off()
      }
    })
  }
})
