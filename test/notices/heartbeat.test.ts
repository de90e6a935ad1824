import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type EventMap, Events } from '../../src/model/events.ts'
import { startHeartbeat } from '../../src/notices/heartbeat.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { startReceiver } from './http-receiver.ts'

const minute = 60_000

describe('the heartbeat', () => {
  let clock: FakeClock
  let events: Events
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let stop: (() => Promise<void>) | undefined
  let seen: EventMap['notice'][]

  beforeEach(() => {
    clock = new FakeClock()
    events = new Events()
    seen = []
    events.on('notice', (event) => void seen.push(event))
  })
  afterEach(async () => {
    await stop?.()
    await receiver.stop()
  })

  const start = async (behaviour: Parameters<typeof startReceiver>[0]) => {
    receiver = await startReceiver(behaviour)
    const url = `${receiver.origin}/ping/path-secret`
    stop = startHeartbeat({ url, every: 60 * minute, allow_http: false }, clock, events)
  }
  const tick = () => events.emit('scheduler.tick', clock.now(), { at: clock.now() })
  /** Ticks, and waits until the beat that follows has ended. */
  const beat = async () => {
    const before = seen.length
    tick()
    while (seen.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('beats after a tick, and not before the time has come', async () => {
    await start('ok')
    await clock.advance(120 * minute)
    assert.equal(receiver.requests.length, 0, 'nothing ticked')
    await beat()
    for (let minutes = 1; minutes < 60; minutes += 1) {
      await clock.advance(minute)
      tick()
    }
    assert.equal(receiver.requests.length, 1)
    await clock.advance(minute)
    await beat()
    assert.equal(receiver.requests.length, 2)
    assert.deepEqual(
      seen.map(({ channel, result }) => [channel, result]),
      [
        ['heartbeat', 'delivered'],
        ['heartbeat', 'delivered'],
      ],
    )
  })

  it('tries again after a minute, and keeps the address to itself', async () => {
    await start('fails once')
    await beat()
    assert.equal(seen[0]?.result, 'failed')
    assert.match(seen[0]?.reason ?? '', /^127\.0\.0\.1:\d+ answers 500$/)
    tick()
    await clock.advance(minute)
    await beat()
    assert.equal(seen[1]?.result, 'delivered')
  })

  it('follows no redirect', async () => {
    await start('redirects')
    await beat()
    assert.equal(seen[0]?.result, 'failed')
    assert.deepEqual(receiver.astray, [])
  })

  it('holds up no tick and no stop while the other side hangs', async () => {
    await start('hangs')
    const started = performance.now()
    for (let ticks = 0; ticks < 100; ticks += 1) tick()
    assert.ok(performance.now() - started < 1_000)
    await stop?.()
    assert.ok(receiver.requests.length <= 1)
    assert.deepEqual(seen, [])
  })
})
