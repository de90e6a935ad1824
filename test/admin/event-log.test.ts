import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { EventLog } from '../../src/admin/event-log.ts'
import { Events } from '../../src/model/events.ts'

let events: Events
let log: EventLog
let frames: string[]
beforeEach(() => {
  events = new Events()
  log = new EventLog(events)
  frames = []
  log.follow((frame) => void frames.push(frame))
})

const idOf = (frame = '') => /^id: (.+)$/m.exec(frame)?.[1] ?? ''
const emit = (reason: string) => events.emit('config.reloaded', 0, { ok: false, reason })

describe('EventLog', () => {
  it('gives each event an id, and what came after one again', () => {
    for (const reason of ['one', 'two', 'three']) emit(reason)
    assert.equal(new Set(frames.map(idOf)).size, 3)
    assert.deepEqual(log.since(idOf(frames[0])), frames.slice(1))
    assert.deepEqual(log.since(idOf(frames[2])), [])
  })

  it('leaves ticks out', () => {
    events.emit('scheduler.tick', 1, { at: 1 })
    assert.deepEqual(frames, [])
  })

  it('says reset for what it no longer has, and for ids of another run', () => {
    emit('first')
    for (let more = 0; more < 200; more += 1) emit('x'.repeat(300))
    const other = new EventLog(events)
    for (const last of [idOf(frames[0]), 'nonsense', '', '1']) {
      const [frame, ...rest] = log.since(last)
      assert.match(frame ?? '', /\nevent: reset\ndata: \{\}\n\n$/)
      assert.deepEqual(rest, [])
      assert.deepEqual(log.since(idOf(frame)), [], 'and goes on from there')
      assert.match(other.since(idOf(frames.at(-1))).join(''), /reset/)
    }
  })

  it('keeps less than a reader may be behind', () => {
    for (let more = 0; more < 500; more += 1) emit('x'.repeat(300))
    const oldest = frames.findIndex((frame) => !log.since(idOf(frame)).join('').includes('reset'))
    const again = log.since(idOf(frames[oldest])).join('')
    assert.ok(again.length > 20_000 && again.length <= 32 * 1024, `${again.length}`)
  })

  it('hears nothing more once it is closed', () => {
    log.close()
    emit('late')
    assert.deepEqual(frames, [])
  })
})
