import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type EventMap, Events } from '../../src/model/events.ts'
import type { Channel } from '../../src/notices/channel.ts'
import type { Notice } from '../../src/notices/notice.ts'
import { Notices, type NoticesParts } from '../../src/notices/notices.ts'
import type { MaterialOutlook } from '../../src/notices/outlook.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { MemoryTold } from './memory-told.ts'
import { materialLike } from './sample.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** A channel that does what a test says, and keeps what it took. */
class FakeChannel implements Channel {
  readonly taken: Notice[] = []
  tries = 0
  mode: 'ok' | 'fails' | 'hangs' = 'ok'

  async send(notice: Notice): Promise<void> {
    this.tries += 1
    // Whatever the signal says.
    if (this.mode === 'hangs') return new Promise(() => {})
    if (this.mode === 'fails') throw new OperatorError('example.com answers 500')
    this.taken.push(notice)
  }

  get causes(): readonly string[] {
    return this.taken.map(({ cause }) => cause)
  }
}

/** A daemon's notices, which can be started again on what the store remembers. */
class Host {
  readonly clock = new FakeClock()
  readonly events = new Events()
  readonly told = new MemoryTold()
  readonly channels = new Map([
    ['one', new FakeChannel()],
    ['two', new FakeChannel()],
  ])
  readonly seen: EventMap['notice'][] = []
  materials: MaterialOutlook[] = []
  isUnreadable = false
  settings: Pick<NoticesParts, 'before' | 'onSuccess'> = { before: day, onSuccess: 'first' }
  #notices: Notices | undefined

  constructor() {
    this.events.on('notice', (event) => void this.seen.push(event))
  }

  channel(name: 'one' | 'two'): FakeChannel {
    return this.channels.get(name) ?? assert.fail()
  }

  make(): Notices {
    const { clock, events, told, channels, settings } = this
    return new Notices({
      ...settings,
      clock,
      events,
      told,
      channels,
      host: 'chat-1',
      outlook: () => {
        if (this.isUnreadable) throw new Error('no such table')
        return { now: clock.now(), materials: this.materials }
      },
    })
  }

  async start(): Promise<void> {
    this.#notices = this.make()
    this.#notices.start()
    await this.clock.advance(4 * second)
  }

  async stop(): Promise<void> {
    const stopped = this.#notices?.stop()
    await this.clock.advance(4 * second)
    await stopped
  }

  /** Something has changed, and was looked at. */
  async happen(...materials: MaterialOutlook[]): Promise<void> {
    this.materials = materials
    this.events.emit('material.state', this.clock.now(), { material: 'x', state: 'idle' })
    await this.clock.advance(4 * second)
  }
}

const suspended = (name: string) =>
  materialLike({
    name,
    schedule: {
      material: name,
      failures: 2,
      rollbacks: [],
      suspended: { since: 0, reason: 'rolled back twice' },
    },
  })
const replaced = (name: string, to: number) =>
  materialLike({ name, replaced: { from: to - 1, to, proved: true } })

describe('notices', () => {
  let host: Host
  beforeEach(() => {
    host = new Host()
  })
  afterEach(() => host.stop())

  it('are told soon after something has happened, on every channel under one id', async () => {
    await host.start()
    await host.happen(suspended('a'))
    assert.deepEqual(host.channel('one').causes, ['suspended a'])
    assert.deepEqual(host.channel('one').taken, host.channel('two').taken)
    assert.match(host.channel('one').taken[0]?.id ?? '', /^msg_[0-9a-f-]{36}$/)
    assert.deepEqual(
      host.seen.map(({ channel, result }) => [channel, result]),
      [
        ['one', 'delivered'],
        ['two', 'delivered'],
      ],
    )
  })

  it('are told without any event, at the latest after five minutes', async () => {
    await host.start()
    host.materials = [suspended('a')]
    await host.clock.advance(5 * minute + 4 * second)
    assert.equal(host.channel('one').taken.length, 1)
  })

  it('are told once, and reminded of once a day', async () => {
    await host.start()
    await host.happen(suspended('a'))
    for (let hours = 1; hours < 24; hours += 1) {
      await host.happen(suspended('a'))
      await host.clock.advance(hour - 4 * second)
    }
    assert.equal(host.channel('one').taken.length, 1)
    await host.clock.advance(hour + 6 * minute)
    assert.equal(host.channel('one').taken.length, 2)
    assert.notEqual(host.channel('one').taken[0]?.id, host.channel('one').taken[1]?.id)
  })

  it('are told anew when what was over comes again', async () => {
    await host.start()
    await host.happen(suspended('a'))
    await host.happen()
    await host.happen(suspended('a'))
    assert.equal(host.channel('one').taken.length, 2)
  })

  it('are not told again by a daemon that was started anew', async () => {
    await host.start()
    await host.happen(suspended('a'), replaced('b', 2))
    await host.stop()
    await host.start()
    await host.clock.advance(hour)
    assert.deepEqual(host.channel('one').causes, ['suspended a', 'first-success b'])
  })

  it('tell of a first success once, however often it succeeds', async () => {
    await host.start()
    await host.happen(replaced('a', 2))
    await host.happen()
    await host.stop()
    await host.start()
    await host.happen(replaced('a', 3))
    assert.deepEqual(host.channel('one').causes, ['first-success a'])
  })

  it('tell of every success where the config says so', async () => {
    host.settings = { onSuccess: 'always' }
    await host.start()
    await host.happen(replaced('a', 2))
    await host.happen(replaced('a', 3))
    assert.deepEqual(host.channel('one').causes, ['success a 2', 'success a 3'])
  })

  it('are tried again by the channel that failed, and by that one only', async () => {
    host.channel('one').mode = 'fails'
    await host.start()
    await host.happen(suspended('a'))
    assert.equal(host.channel('two').taken.length, 1)
    await host.clock.advance(4 * minute)
    // After 30 s, 1 min and 2 min.
    assert.equal(host.channel('one').tries, 4)
    host.channel('one').mode = 'ok'
    await host.clock.advance(4 * minute)
    assert.equal(host.channel('one').taken.length, 1)
    assert.equal(host.channel('two').tries, 1)
    const results = host.seen.filter(({ channel }) => channel === 'one')
    assert.deepEqual(
      results.map(({ result, reason }) => [result, reason]),
      [
        ...Array.from({ length: 4 }, () => ['failed', 'example.com answers 500']),
        ['delivered', undefined],
      ],
    )
  })

  it('are tried at least once an hour, for as long as they hold', async () => {
    host.channel('one').mode = 'fails'
    await host.start()
    await host.happen(suspended('a'))
    await host.clock.advance(day)
    const { tries } = host.channel('one')
    assert.ok(tries > 24 && tries < 35, `${tries} tries`)
    host.channel('one').mode = 'ok'
    await host.clock.advance(hour + minute)
    assert.equal(host.channel('one').taken.length, 1)
  })

  it('are dropped when they are over before they got through', async () => {
    host.channel('one').mode = 'fails'
    await host.start()
    await host.happen(suspended('a'))
    await host.happen()
    host.channel('one').mode = 'ok'
    await host.clock.advance(hour)
    assert.deepEqual(host.channel('one').causes, [])
    assert.equal(host.seen.at(-1)?.result, 'dropped')
  })

  it('wait for no channel that hangs: each ends after 15 s, and the others go on', async () => {
    host.channel('one').mode = 'hangs'
    await host.start()
    await host.happen(suspended('a'), suspended('b'))
    assert.deepEqual(host.channel('two').causes, ['suspended a', 'suspended b'])
    assert.equal(host.channel('one').tries, 1)
    await host.clock.advance(20 * second)
    const [failed] = host.seen.filter(({ channel }) => channel === 'one')
    assert.equal(failed?.reason, 'no answer within 15 s')
    host.channel('one').mode = 'ok'
    await host.clock.advance(minute)
    assert.deepEqual(host.channel('one').causes, ['suspended b', 'suspended a'])
  })

  it('end within three seconds although a channel hangs', async () => {
    host.channel('one').mode = 'hangs'
    await host.start()
    await host.happen(suspended('a'))
    const before = host.clock.now()
    let ended = 0
    const end = async () => {
      await host.stop()
      ended = host.clock.now()
    }
    const stopped = end()
    await host.clock.advance(2 * second)
    assert.equal(ended, 0, 'what is on its way has a moment')
    await stopped
    assert.ok(ended > 0 && ended - before <= 6 * second)
    assert.equal(host.channel('one').tries, 1)
  })

  it('are not told twice because the store cannot be written', async () => {
    host.told.isBroken = true
    await host.start()
    await host.happen(suspended('a'))
    await host.happen(suspended('a'))
    await host.clock.advance(hour)
    assert.equal(host.channel('one').taken.length, 1)
  })

  it('tell of the store, and forget nothing, while it cannot be read', async () => {
    await host.start()
    await host.happen(suspended('a'))
    host.isUnreadable = true
    host.events.emit('store.error', host.clock.now(), { operation: 'schedule' })
    await host.clock.advance(10 * second)
    host.isUnreadable = false
    await host.clock.advance(5 * hour)
    assert.deepEqual(host.channel('one').causes, ['suspended a', 'store_error'])
  })

  it('hold one line each that a terminal survives', async () => {
    const reason = 'exit 1\n\u001b[31mred\u001b[0m \u202egnihton'
    const bad = suspended('a')
    await host.start()
    await host.happen({
      ...bad,
      schedule: { ...bad.schedule, suspended: { since: 0, reason } },
    })
    assert.equal(host.channel('one').taken[0]?.lines[0], 'exit 1 [31mred [0m  gnihton')
  })

  it('come in the end, though a channel holds no more than a hundred at a time', async () => {
    await host.start()
    const many = Array.from({ length: 250 }, (_, index) => suspended(`m${index}`))
    await host.happen(...many)
    await host.clock.advance(15 * minute)
    assert.equal(new Set(host.channel('one').causes).size, 250)
    assert.equal(host.channel('one').taken.length, 250)
  })
})

describe('a test notice', () => {
  it('goes to each channel at once, and says how each fared', async () => {
    const host = new Host()
    host.channel('two').mode = 'fails'
    const results = await host.make().test()
    assert.deepEqual(
      results.map(({ channel, ok, error }) => [channel, ok, error]),
      [
        ['one', true, undefined],
        ['two', false, 'example.com answers 500'],
      ],
    )
    assert.equal(host.channel('one').taken[0]?.kind, 'test')
    assert.equal(host.channel('two').tries, 1)
    assert.deepEqual(host.told.all(), [])
  })

  it('goes to one channel where that is asked for, and there must be such a one', async () => {
    const host = new Host()
    const results = await host.make().test('two')
    assert.deepEqual(
      results.map(({ channel }) => channel),
      ['two'],
    )
    assert.equal(host.channel('one').tries, 0)
    await assert.rejects(host.make().test('pigeon'), { kind: 'usage' })
    host.channels.clear()
    await assert.rejects(host.make().test(), { kind: 'refused' })
  })
})

/** What may happen to a host with two causes and two channels. */
const happening = fc.oneof(
  fc.record({ what: fc.constant('state' as const), a: fc.boolean(), b: fc.boolean() }),
  fc.record({
    what: fc.constant('channel' as const),
    name: fc.constantFrom('one' as const, 'two' as const),
    mode: fc.constantFrom('ok' as const, 'fails' as const, 'hangs' as const),
  }),
  fc.record({ what: fc.constant('time' as const), minutes: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ what: fc.constant('restart' as const) }),
)

describe('whatever happens', () => {
  it('nobody is told twice of one cause, and everybody is told who can be', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
        const host = new Host()
        // How often each cause has begun: nothing is told oftener, for less than a day passes.
        const begun = { a: 0, b: 0 }
        let present = { a: false, b: false }
        await host.start()
        let passed = 0
        for (const one of happenings) {
          if (one.what === 'channel') host.channel(one.name).mode = one.mode
          if (one.what === 'restart') await host.stop().then(() => host.start())
          if (one.what === 'time' && passed + one.minutes < 20 * 60) {
            passed += one.minutes
            await host.clock.advance(one.minutes * minute)
          }
          if (one.what !== 'state') continue
          for (const name of ['a', 'b'] as const) if (one[name] && !present[name]) begun[name] += 1
          present = one
          await host.happen(...(['a', 'b'] as const).filter((n) => one[n]).map(suspended))
        }
        for (const channel of host.channels.values()) channel.mode = 'ok'
        await host.clock.advance(2 * hour)
        await host.stop()
        for (const channel of host.channels.values()) {
          for (const name of ['a', 'b'] as const) {
            const times = channel.causes.filter((cause) => cause === `suspended ${name}`).length
            assert.ok(times <= begun[name], `${name} was told of ${times} times`)
            if (present[name]) assert.ok(times > 0, `${name} was not told of`)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})
