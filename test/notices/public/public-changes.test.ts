import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Events } from '../../../src/model/events.ts'
import type { Version } from '../../../src/model/version.ts'
import { staysTold } from '../../../src/notices/announcements.ts'
import type { Channel } from '../../../src/notices/channel.ts'
import type { PublicChange } from '../../../src/notices/public/changes.ts'
import { PublicChanges } from '../../../src/notices/public/public-changes.ts'
import { Told } from '../../../src/notices/told.ts'
import { OperatorError } from '../../../src/support/operator-error.ts'
import { FakeClock } from '../../fakes/fake-clock.ts'
import { MemoryTold } from '../memory-told.ts'

const second = 1_000

function version(number: number, different: Partial<Version> = {}): Version {
  return {
    material: 'push',
    number,
    state: 'active',
    compromised: false,
    origin: 'generated',
    fingerprint: `sha256:${number}`,
    attributes: {},
    createdAt: 0,
    activeSince: number,
    ...different,
  }
}

/** An application that takes what it is told, or refuses. */
class Application implements Channel<PublicChange> {
  readonly taken: PublicChange[] = []
  readonly refused: PublicChange[] = []
  isDown = false

  async send(change: PublicChange): Promise<void> {
    if (this.isDown) {
      this.refused.push(change)
      throw new OperatorError('example.com answers 500')
    }
    this.taken.push(change)
  }

  /** What it was told since it was asked last. */
  news(): readonly string[] {
    return this.taken.splice(0).map(({ type, number }) => `${type} ${number}`)
  }
}

describe('changes of public parts', () => {
  let clock: FakeClock
  let events: Events
  let table: MemoryTold
  let application: Application
  let versions: readonly Version[]
  let running: PublicChanges

  const start = async () => {
    running = new PublicChanges({
      channel: application,
      versions: () => versions,
      told: table,
      clock,
      events,
    })
    running.start()
    await clock.advance(4 * second)
  }
  const stop = async () => {
    const stopped = running.stop()
    await clock.advance(4 * second)
    await stopped
  }
  const happen = async (...now: Version[]) => {
    versions = now
    for (const one of now) events.emit('version.active', clock.now(), { version: one })
    await clock.advance(4 * second)
    return application.news()
  }

  beforeEach(async () => {
    clock = new FakeClock()
    events = new Events()
    table = new MemoryTold()
    application = new Application()
    versions = [version(1)]
    await start()
  })
  afterEach(() => stop())

  it('begin with what is in use, and are told once', async () => {
    assert.deepEqual(application.news(), ['version.active 1'])
    assert.deepEqual(await happen(version(1)), [])
  })

  it('are told in the order of the versions, from announcement to withdrawal', async () => {
    application.news()
    const told = [
      await happen(version(2, { state: 'prepared' }), version(1)),
      await happen(version(2), version(1, { state: 'retiring' })),
      await happen(version(2), version(1, { state: 'withdrawn' })),
      await happen(version(2), version(1, { state: 'destroyed' })),
    ]
    assert.deepEqual(told, [
      ['version.announced 2'],
      ['version.retired 1', 'version.active 2'],
      ['version.withdrawn 1'],
      [],
    ])
  })

  it('tell nothing of a version that the application never knew', async () => {
    application.news()
    assert.deepEqual(await happen(version(2, { state: 'withdrawn' }), version(1)), [])
    assert.deepEqual(
      await happen(version(2, { state: 'withdrawn', compromised: true }), version(1)),
      [],
    )
  })

  it('tell of a leak within a minute, although a mark is no event', async () => {
    application.news()
    versions = [version(1, { compromised: true })]
    await clock.advance(64 * second)
    assert.deepEqual(application.news(), ['version.compromised 1'])
  })

  it('tell again what comes again after a rollback, under another id', async () => {
    const [first] = application.taken
    application.news()
    await happen(version(2), version(1, { state: 'retiring' }))
    versions = [version(2, { state: 'withdrawn' }), version(1, { activeSince: 9 })]
    await clock.advance(64 * second)
    const [again] = application.taken
    assert.deepEqual(application.news(), ['version.active 1', 'version.withdrawn 2'])
    assert.notEqual(again?.id, first?.id)
  })

  it('keep their id over failures and a restart, and are not lost', async () => {
    application.news()
    application.isDown = true
    await happen(version(2), version(1, { state: 'retiring' }))
    await clock.advance(31 * second)
    await stop()
    application.isDown = false
    await start()
    const ids = new Set(application.refused.map(({ id }) => id))
    assert.deepEqual(
      application.taken.map(({ id }) => ids.has(id)),
      [true, true],
    )
    assert.deepEqual(application.news(), ['version.retired 1', 'version.active 2'])
  })

  it('that were overtaken while the application was down are told as they stand', async () => {
    application.news()
    application.isDown = true
    await happen(version(2), version(1, { state: 'retiring' }))
    await happen(
      version(3),
      version(2, { state: 'retiring' }),
      version(1, { state: 'withdrawn', compromised: true }),
    )
    application.isDown = false
    await clock.advance(600 * second)
    assert.deepEqual(application.news().toSorted(), [
      'version.active 3',
      'version.compromised 1',
      'version.retired 2',
    ])
  })

  it('survive what other notices forget, and are forgotten with their material', async () => {
    const known = () => table.all().map(({ cause }) => cause)
    assert.deepEqual(known(), ['public push 1 active'])
    assert.equal(staysTold('public push 1 active'), true)
    versions = []
    await clock.advance(64 * second)
    assert.deepEqual(known(), [])
  })

  it('leave one row for each version', async () => {
    await happen(version(2), version(1, { state: 'retiring' }))
    await happen(version(2), version(1, { state: 'withdrawn' }))
    const rows = table.all().map(({ cause }) => cause)
    assert.deepEqual(rows, ['public push 2 active', 'public push 1 withdrawn'])
    assert.equal(new Told(table).isKnown('public push 1 '), true)
  })
})
