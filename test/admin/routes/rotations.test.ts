import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { scratchApp } from '../scratch-app.ts'

let scratch: ReturnType<typeof scratchApp>
beforeEach(() => {
  scratch = scratchApp()
})
afterEach(() => scratch.app.close())

const running = { id: 'abc123' }
const over = { ...running, result: 'succeeded' }
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Asks, and lets everything run that can before something happens. */
async function poll() {
  const answer = scratch.app.inject('/v1/rotations/abc123?wait=1')
  let isAnswered = false
  answer.then(
    () => (isAnswered = true),
    () => {},
  )
  while (!scratch.fake.calls.some(([name]) => name === 'wait')) await settle()
  await settle()
  return { answer, isAnswered: () => isAnswered }
}

function finish(id: string): void {
  scratch.events.emit('rotation.finished', 0, {
    id,
    trigger: 'schedule',
    changes: [],
    result: 'succeeded',
    seconds: 1,
  })
}

describe('GET /v1/rotations/{id}?wait=1', () => {
  it('answers when operations say that it has ended', async () => {
    const gate = Promise.withResolvers<typeof over>()
    scratch.fake.answers.wait = () => gate.promise
    const { answer, isAnswered } = await poll()
    finish('abc123')
    await settle()
    assert.equal(isAnswered(), false)
    gate.resolve(over)
    assert.deepEqual((await answer).json(), over)
  })

  it('waits for the event of a rotation that nobody started by hand', async () => {
    scratch.fake.answers.wait = () => running
    scratch.fake.answers.rotation = () => over
    const { answer, isAnswered } = await poll()
    finish('another')
    await settle()
    assert.equal(isAnswered(), false)
    finish('abc123')
    assert.deepEqual((await answer).json(), over)
  })

  it('answers with what there is after 25 s', async () => {
    scratch.fake.answers.wait = () => new Promise(() => {})
    scratch.fake.answers.rotation = () => running
    const { answer, isAnswered } = await poll()
    await scratch.clock.advance(24_999)
    assert.equal(isAnswered(), false)
    await scratch.clock.advance(1)
    assert.deepEqual((await answer).json(), running)
    assert.equal(scratch.clock.sleeping, 0)
  })

  it('answers with what there is when the server closes', async () => {
    scratch.fake.answers.wait = () => new Promise(() => {})
    scratch.fake.answers.rotation = () => running
    const { answer } = await poll()
    await scratch.app.close()
    assert.deepEqual((await answer).json(), running)
  })

  it('leaves nothing behind', async () => {
    scratch.fake.answers.wait = () => over
    await scratch.app.inject('/v1/rotations/abc123?wait=1')
    assert.equal(scratch.clock.sleeping, 0)
  })
})

describe('GET /v1/rotations', () => {
  it('names the next page while there may be one', async () => {
    scratch.fake.answers.history = () => [{ id: 'b2' }, { id: 'a1' }]
    const full = await scratch.app.inject('/v1/rotations?limit=2&material=key&cursor=c3')
    const rotations = [{ id: 'b2' }, { id: 'a1' }]
    assert.deepEqual(full.json(), { schema_version: 1, rotations, next_cursor: 'a1' })
    assert.deepEqual(scratch.fake.calls, [['history', { limit: 2, material: 'key', before: 'c3' }]])
    const last = await scratch.app.inject('/v1/rotations?limit=3')
    assert.deepEqual(last.json(), { schema_version: 1, rotations })
  })
})
