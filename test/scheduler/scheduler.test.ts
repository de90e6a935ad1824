import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { approve, pause, resume } from '../../src/scheduler/policy.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { day, hour, inhabitant, minute, night, SimulatedHost, second } from './simulated-host.ts'

/** Half past four in the afternoon in Berlin; the next window opens at 02:00 UTC. */
const start = '2027-01-10T15:30:00Z'
const tonight = Date.parse('2027-01-11T02:00:00Z')
const first = { every: '30d', first: '2027-01-10T16:00:00Z' }

function hostOf(...inhabitants: ConstructorParameters<typeof SimulatedHost>[0]): SimulatedHost {
  const host = new SimulatedHost(inhabitants, new FakeClock(start))
  host.tick = 10 * minute
  return host
}

/** When each rotation began, and with whom. */
const log = (host: SimulatedHost) =>
  host.rotations.map(
    ({ at, materials }) => `${new Date(at).toISOString().slice(8, 16)} ${materials.join('+')}`,
  )

describe('the scheduler', () => {
  it('rotates nothing at start-up that is not due', async () => {
    const host = hostOf(inhabitant('token', { every: '30d' }), inhabitant('tls', 'on_change'))
    for (let times = 0; times < 5; times += 1) {
      await host.on()
      await host.clock.advance(hour)
      await host.off()
    }
    assert.deepEqual(host.rotations, [])
  })

  it('remembers over restarts when something is due and when it is tried next', async () => {
    const host = hostOf(inhabitant('token', first))
    host.outcome = () => ({ result: 'failed' })
    await host.on()
    await host.clock.advanceTo('2027-01-10T16:30:00Z')
    const { length } = host.rotations
    assert.ok(length >= 4 && length <= 6, `${length} attempts`)
    const { due, nextAttempt } = host.state.get('token')
    assert.equal(due, Date.parse(first.first))
    await host.off()
    await host.on()
    await host.clock.advanceTo(nextAttempt! - 1)
    assert.equal(host.rotations.length, length)
    await host.clock.advance(second)
    assert.equal(host.rotations.length, length + 1)
    await host.off()
  })

  it('rotates together, once, what one consumer has due in one window', async () => {
    const chat = { window: night, consumers: ['chat'] }
    const host = hostOf(
      inhabitant('a', first, chat),
      inhabitant('b', { every: '30d', first: '2027-01-11T03:59:00Z' }, chat),
      inhabitant('key', first, { ...chat, apart: ['a'] }),
      inhabitant('bot', first, { ...chat, consumers: ['bot'] }),
      inhabitant('c', { every: '30d', first: '2027-01-11T05:00:00Z' }, chat),
    )
    await host.on()
    await host.clock.advance(2 * day)
    assert.deepEqual(log(host), ['11T02:00 a+b', '11T02:00 key', '11T02:00 bot', '12T02:00 c'])
    await host.off()
  })

  it('rotates together what falls due together without a window, although time passes while it looks', async () => {
    const host = hostOf(
      ...['a', 'b'].map((name) => inhabitant(name, first, { consumers: ['chat'] })),
    )
    const now = host.clock.now.bind(host.clock)
    let passed = 0
    host.clock.now = () => now() + (passed += 0.001)
    await host.on()
    await host.clock.advance(hour)
    assert.deepEqual(log(host), ['10T16:00 a+b'])
    await host.off()
  })

  it('leaves out of the next set only the one whose verifier said no', async () => {
    const chat = { window: night, consumers: ['chat'] }
    const host = hostOf(...['a', 'b', 'c'].map((name) => inhabitant(name, first, chat)))
    host.outcome = (materials) =>
      materials.includes('b') ? { result: 'rolled_back', blamed: 'b' } : { result: 'succeeded' }
    await host.on()
    await host.clock.advanceTo(tonight + 3 * minute)
    assert.deepEqual(log(host), ['11T02:00 a+b+c', '11T02:00 a+c', '11T02:01 b'])
    await host.off()
  })

  it('tries everybody alone after a set failed that nobody was blamed for', async () => {
    const chat = { window: night, consumers: ['chat'] }
    const host = hostOf(...['a', 'b'].map((name) => inhabitant(name, first, chat)))
    host.outcome = (materials) => ({ result: materials.length > 1 ? 'rolled_back' : 'succeeded' })
    await host.on()
    await host.clock.advanceTo(tonight + 10 * minute)
    const sets = host.rotations.map(({ materials }) => materials.join('+'))
    assert.deepEqual(sets.toSorted(), ['a', 'a+b', 'b'])
    await host.off()
  })

  it('gives a consumer at most its restarts in one window, and goes on in the next', async () => {
    const apart = ['a', 'b', 'c', 'd']
    const host = hostOf(
      ...apart.map((name) =>
        inhabitant(name, first, { window: night, consumers: ['chat'], apart }),
      ),
    )
    host.maxRestarts.set('chat', 3)
    await host.on()
    await host.clock.advanceTo(tonight + 20 * hour)
    assert.equal(host.rotations.length, 3)
    await host.clock.advance(10 * hour)
    assert.equal(host.rotations.length, 4)
    await host.off()
  })

  it('suspends what was rolled back twice in a day, until somebody resumes it', async () => {
    const host = hostOf(inhabitant('token', first))
    host.outcome = () => ({ result: 'rolled_back' })
    const states: string[] = []
    host.events.on('material.state', ({ state }) => states.push(state))
    await host.on()
    await host.clock.advance(20 * day)
    assert.equal(host.rotations.length, 2)
    assert.deepEqual(states, ['idle', 'rotating', 'retrying', 'rotating', 'suspended'])
    host.outcome = () => ({ result: 'succeeded' })
    host.state.set(resume(host.state.get('token'), host.clock.now()))
    host.scheduler.poke('token')
    await host.clock.advance(minute)
    assert.equal(host.rotations.length, 3)
    assert.equal(host.scheduler.stateOf('token')?.state, 'idle')
    await host.off()
  })

  it('tries a suspended certificate once a day past the emergency line, outside its window, too', async () => {
    const tls = inhabitant('tls', { before_expiry: '10d' }, { window: night, lifetime: 60 * day })
    const host = hostOf(tls)
    host.outcome = () => ({ result: 'rolled_back' })
    await host.on()
    const { notAfter } = host.active('tls')
    const line = notAfter! - 3 * day
    await host.clock.advanceTo(line - 1)
    assert.equal(host.rotations.length, 2)
    await host.clock.advanceTo(notAfter! + 2 * day)
    const urgent = host.rotations.slice(2).map(({ at }) => at)
    assert.equal(urgent[0], line)
    assert.equal(urgent.length, 5)
    urgent.slice(1).forEach((at, index) => assert.ok(at - urgent[index]! >= day))
    await host.off()
  })

  it('does not wait for a window past the emergency line', async () => {
    const tls = inhabitant('tls', { before_expiry: '10d' }, { window: night, lifetime: 60 * day })
    const host = hostOf(tls)
    host.outcome = (_, now) => ({ result: now < tonight + 57.5 * day ? 'failed' : 'succeeded' })
    await host.on()
    await host.clock.advance(59 * day)
    const hourOf = (at: number) => new Date(at).getUTCHours()
    const line = Date.parse(start) + 57 * day
    for (const { at } of host.rotations.slice(0, -1)) {
      if (at < line) assert.ok([2, 3].includes(hourOf(at)), new Date(at).toISOString())
    }
    const last = host.rotations.at(-1)!
    assert.equal(last.result, 'succeeded')
    assert.ok(last.at - (tonight + 57.5 * day) < 9 * hour)
    await host.off()
  })

  it('asks before it rotates where that is required, or everywhere', async () => {
    for (const mode of ['rotate', 'approve'] as const) {
      const host = hostOf(
        inhabitant('token', first, { approval: mode === 'rotate', announce: day }),
      )
      host.mode = mode
      await host.on()
      await host.clock.advance(3 * day)
      assert.deepEqual(host.rotations, [])
      assert.equal(host.announced.length, 1)
      assert.equal(host.scheduler.stateOf('token')?.state, 'awaiting_approval')
      host.state.set(approve(host.state.get('token')))
      host.scheduler.poke('token')
      await host.clock.advance(minute)
      assert.equal(host.rotations.length, 1)
      assert.equal(host.scheduler.stateOf('token')?.state, 'idle')
      await host.off()
    }
  })

  it('changes nothing in mode observe, but says what is due and sees what changed', async () => {
    const host = hostOf(
      inhabitant('token', first, { announce: day, overlap: day, keep: day }),
      inhabitant('certbot', 'on_change'),
    )
    host.mode = 'observe'
    host.news.add('certbot')
    await host.on()
    await host.clock.advance(90 * day)
    assert.deepEqual([host.rotations, host.announced, host.ended, host.destroyed], [[], [], [], []])
    assert.equal(host.scheduler.stateOf('token')?.state, 'due')
    assert.equal(host.scheduler.stateOf('certbot')?.state, 'due')
    await host.off()
  })

  it('makes the next version so long before it is due, once', async () => {
    const token = inhabitant('token', { every: '30d', first: '2027-02-01' }, { announce: 7 * day })
    const host = hostOf(token)
    await host.on()
    await host.clock.advance(25 * day)
    assert.deepEqual(host.announced, [{ at: Date.parse('2027-01-25'), material: 'token' }])
    assert.equal(host.rotations.length, 1)
    await host.off()
  })

  it('ends overlaps and destroys versions when their time is over, not before', async () => {
    const host = hostOf(
      inhabitant('token', first, { window: night, overlap: 10 * day, keep: 20 * day }),
    )
    await host.on()
    await host.clock.advance(25 * day)
    assert.equal(host.ended.length, 1)
    const [end] = host.ended
    assert.ok(end!.late >= 0 && end!.late < day && night.contains(end!.at))
    assert.deepEqual(
      host.destroyed.map(({ late, version }) => [late, version]),
      [[0, 1]],
    )
    await host.off()
  })

  it('destroys nothing within an hour of the boot of the machine', async () => {
    const host = hostOf(inhabitant('token', first, { keep: day }))
    await host.on()
    await host.clock.advance(hour)
    await host.off()
    host.clock.reboot(2 * day)
    host.bootId += 1
    host.synchronised = true
    await host.on()
    await host.clock.advance(hour - second)
    assert.equal(host.destroyed.length, 0)
    await host.clock.advance(second)
    assert.equal(host.destroyed.length, 1)
    await host.off()
  })

  it('neither ends nor destroys by a clock that jumped, until the system is synchronised', async () => {
    const token = inhabitant('token', first, { overlap: 10 * day, keep: 20 * day })
    const host = hostOf(token)
    await host.on()
    await host.clock.advance(day)
    await host.clock.jump(25 * day)
    await host.clock.advance(day)
    assert.deepEqual([host.ended, host.destroyed], [[], []])
    host.synchronised = true
    await host.clock.advance(hour)
    assert.deepEqual([host.ended.length, host.destroyed.length], [1, 1])
    await host.off()
  })

  it('holds a paused material, and lets it go at the end of the pause', async () => {
    const host = hostOf(inhabitant('token', first))
    await host.on()
    const until = Date.parse(start) + 5 * day
    host.state.set(pause(host.state.get('token'), { until, reason: 'move', who: 'cli:alice' }))
    host.scheduler.poke('token')
    await host.clock.advanceTo(until - 1)
    assert.equal(host.scheduler.stateOf('token')?.state, 'paused')
    assert.equal(host.rotations.length, 0)
    await host.clock.advance(second)
    assert.deepEqual(
      host.rotations.map(({ at }) => at),
      [until],
    )
    await host.off()
  })

  it('keeps a pause over a restart and past the emergency line, and says that it is past it', async () => {
    const host = hostOf(inhabitant('tls', { before_expiry: '30d' }, { lifetime: 10 * day }))
    await host.on()
    const { notAfter = 0 } = host.active('tls')
    const paused = { until: notAfter + day, reason: 'move', who: 'cli:alice' }
    host.state.set(pause(host.state.get('tls'), paused))
    await host.off()
    await host.on()
    await host.clock.advanceTo(notAfter - day)
    assert.deepEqual(host.scheduler.stateOf('tls'), { state: 'paused', reason: 'move' })
    await host.clock.advanceTo(notAfter)
    const reason = 'move (past the emergency line)'
    assert.deepEqual(host.scheduler.stateOf('tls'), { state: 'paused', reason })
    await host.clock.advanceTo(paused.until - 1)
    assert.deepEqual(host.rotations, [])
    await host.clock.advance(minute)
    assert.equal(host.scheduler.stateOf('tls')?.state, 'idle')
    assert.equal(host.rotations.length, 1)
    await host.off()
  })

  it('rotates what changed at its issuer, in the next window', async () => {
    const host = hostOf(inhabitant('certbot', 'on_change', { window: night }))
    await host.on()
    await host.clock.advance(hour)
    assert.equal(host.rotations.length, 0)
    host.news.add('certbot')
    await host.clock.advance(2 * day)
    assert.deepEqual(
      host.rotations.map(({ at }) => at),
      [tonight],
    )
    await host.off()
  })

  it('calls a watched consumer overdue when it does not rotate, and never rotates it', async () => {
    const host = hostOf(inhabitant('pilcrow', { watch: { expect: '10d', grace: '1d' } }))
    await host.on()
    await host.clock.advance(9 * day)
    host.news.add('pilcrow')
    await host.clock.advance(9 * day)
    assert.equal(host.scheduler.stateOf('pilcrow')?.state, 'idle')
    await host.clock.advance(2 * day)
    assert.equal(host.scheduler.stateOf('pilcrow')?.state, 'due')
    assert.equal(host.rotations.length, 0)
    await host.off()
  })

  it('goes on ticking and rotating others while one rotation hangs', async () => {
    const host = hostOf(
      inhabitant('slow', first, { consumers: ['bad'] }),
      inhabitant('good', first, { consumers: ['good'] }),
    )
    const rotate = host.rotate.bind(host)
    let release = () => {}
    const hanging = new Promise<void>((resolve) => (release = resolve))
    host.rotate = (names) => (names.includes('slow') ? hanging : rotate(names))
    const ticks: number[] = []
    host.tick = 30 * second
    host.events.on('scheduler.tick', ({ at }) => ticks.push(at))
    await host.on()
    await host.clock.advance(day)
    assert.equal(host.rotationsOf('good').length, 1)
    assert.equal(host.scheduler.stateOf('slow')?.state, 'rotating')
    ticks.slice(1).forEach((at, index) => assert.ok(at - ticks[index]! <= 30 * second))
    let stopped = false
    const stop = host.scheduler.stop().then(() => (stopped = true))
    await host.clock.advance(minute)
    assert.equal(stopped, false)
    release()
    assert.equal(await stop, true)
  })

  it('counts a rotation that could not even be recorded as a failure', async () => {
    const host = hostOf(inhabitant('token', first))
    let tries = 0
    host.rotate = () => {
      tries += 1
      return Promise.reject(new Error('the journal cannot be written'))
    }
    await host.on()
    await host.clock.advance(2 * hour)
    assert.ok(tries >= 5 && tries <= 8, `${tries} tries`)
    assert.equal(host.state.get('token').failures, tries)
    await host.off()
  })

  it('backs off from announcing and destroying, too', async () => {
    const host = hostOf(
      inhabitant('token', { every: '30d', first: '2027-02-01' }, { announce: 20 * day }),
    )
    let tries = 0
    host.announce = () => {
      tries += 1
      return Promise.reject(new Error('the issuer is down'))
    }
    await host.on()
    await host.clock.advance(10 * day)
    assert.ok(tries >= 15 && tries <= 25, `${tries} tries`)
    await host.off()
  })

  it('ticks calmly and rotates nothing while the clock is behind', async () => {
    const host = hostOf(inhabitant('token', first))
    await host.on()
    host.state.set({ ...host.state.get('token'), due: 0 })
    await host.clock.jump(-day)
    host.scheduler.poke('token')
    let ticks = 0
    host.events.on('scheduler.tick', () => (ticks += 1))
    await host.clock.advance(hour)
    assert.ok(ticks >= 6 && ticks <= 8, `${ticks} ticks`)
    assert.deepEqual([host.rotations, host.suspicions], [[], [false, true]])
    await host.off()
  })

  it('survives a store that cannot be read for a while', async () => {
    const host = hostOf(inhabitant('token', first))
    const errors: string[] = []
    host.tick = 30 * second
    host.events.on('store.error', ({ operation }) => errors.push(operation))
    await host.on()
    const get = host.state.get.bind(host.state)
    host.state.get = () => {
      throw new Error('SQLITE_IOERR')
    }
    await host.clock.advance(hour)
    assert.ok(errors.length > 30)
    assert.equal(host.rotations.length, 0)
    host.state.get = get
    await host.clock.advance(minute)
    assert.equal(host.rotations.length, 1)
    await host.off()
  })

  it('takes a new configuration over while it runs', async () => {
    const token = inhabitant('token', { every: '30d' })
    const host = hostOf(token)
    await host.on()
    const due = host.state.get('token').due!
    await host.reconfigure([inhabitant('token', { every: '5d' })])
    assert.ok(host.state.get('token').due! < due)
    await host.clock.advance(6 * day)
    assert.equal(host.rotations.length, 1)
    await host.reconfigure([])
    await host.clock.advance(60 * day)
    assert.equal(host.rotations.length, 1)
    await host.off()
  })

  it('looks through ten thousand schedules in little time', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `m${index}`)
    const host = hostOf(...names.map((name) => inhabitant(name, { every: '30d' })))
    const began = performance.now()
    await host.on()
    const took = performance.now() - began
    assert.equal(host.state.all().length, 10_000)
    // Some 100 ms; a loaded machine may take longer, but not what a quadratic search would.
    assert.ok(took < 5_000, `${took} ms`)
    await host.off()
  })
})

describe('upcoming', () => {
  it('lists what happens within so many days, in order, as it then happens', async () => {
    const host = hostOf(
      inhabitant(
        'token',
        { every: '30d', first: '2027-02-01' },
        { window: night, announce: 7 * day },
      ),
      inhabitant('tls', { before_expiry: '30d' }, { window: night, lifetime: 47 * day }),
      inhabitant('certbot', 'on_change', { lifetime: 90 * day }),
      inhabitant('monthly', { cron: { at: '0 12 1 * *', timezone: 'UTC' } }),
      inhabitant('asked', { every: '20d' }, { approval: true }),
      inhabitant('opaque', 'on_compromise'),
    )
    await host.on()
    const plan = host.scheduler.upcoming(91)
    assert.ok(plan.every(({ at }, index) => index === 0 || at >= plan[index - 1]!.at))
    const of = (name: string, action: string) =>
      plan.filter((line) => line.material === name && line.action === action).map(({ at }) => at)
    assert.deepEqual(of('token', 'announce'), [Date.parse('2027-01-25')])
    assert.deepEqual(of('certbot', 'expires'), [Date.parse(start) + 90 * day])
    assert.deepEqual(of('opaque', 'rotate'), [])
    assert.deepEqual(of('asked', 'rotate'), [])

    await host.clock.advance(91 * day)
    for (const name of ['token', 'tls', 'monthly']) {
      const really = host.rotationsOf(name).map(({ at }) => at)
      const planned = of(name, 'rotate')
      assert.equal(planned.length, really.length, name)
      // A rotation takes a while, so the jitter of the next is not the planned one: at most a twentieth.
      planned.forEach((at, index) => assert.ok(Math.abs(at - really[index]!) <= index * 1.6 * day))
    }
    await host.off()
  })
})
