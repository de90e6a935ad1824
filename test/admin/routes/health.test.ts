import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { emptyStatus } from '../../fakes/fake-operations.ts'
import { scratchApp } from '../scratch-app.ts'

let scratch: ReturnType<typeof scratchApp>
beforeEach(() => {
  scratch = scratchApp()
})
afterEach(() => scratch.app.close())

const statusOf = async (url: string) => (await scratch.app.inject(url)).statusCode

describe('/healthz', () => {
  it('is well from the start on, until the scheduler stalls', async () => {
    for (const [state, status] of [
      ['starting', 200],
      ['ticking', 200],
      ['stalled', 503],
    ] as const) {
      scratch.metrics.state = state
      assert.equal(await statusOf('/healthz'), status)
    }
  })
})

describe('/readyz', () => {
  it('is not ready before the scheduler ticks', async () => {
    assert.equal(await statusOf('/readyz'), 200)
    for (const state of ['starting', 'stalled'] as const) {
      scratch.metrics.state = state
      assert.equal(await statusOf('/readyz'), 503)
    }
  })

  it('is not ready while the clock is not trusted', async () => {
    const clock = { suspect: true, reason: 'it jumped' }
    scratch.fake.answers.status = () => ({ ...emptyStatus, clock })
    const answer = await scratch.app.inject('/readyz')
    assert.equal(answer.statusCode, 503)
    assert.match(answer.json<{ detail: string }>().detail, /it jumped/)
  })

  it('is not ready when the store cannot be read, or could not be written of late', async () => {
    scratch.events.emit('store.error', 0, { operation: 'journal' })
    assert.equal(await statusOf('/readyz'), 503)
    await scratch.clock.advance(90_000)
    assert.equal(await statusOf('/readyz'), 200)
    scratch.fake.answers.status = () => {
      throw new Error('SQLITE_IOERR')
    }
    await scratch.clock.advance(1_000)
    assert.equal(await statusOf('/readyz'), 500)
  })
})

describe('/readyz, which anybody may ask over TCP,', () => {
  it('asks the store once a second at most', async () => {
    const asked = () => scratch.fake.calls.filter(([name]) => name === 'status').length
    for (let index = 0; index < 50; index += 1) await statusOf('/readyz')
    assert.equal(asked(), 1)
    await scratch.clock.advance(1_000)
    for (let index = 0; index < 50; index += 1) await statusOf('/readyz')
    assert.equal(asked(), 2)
  })
})

describe('/metrics', () => {
  it('answers what a scrape does', async () => {
    const answer = await scratch.app.inject('/metrics')
    assert.equal(answer.body, 'up 1\n')
    assert.match(String(answer.headers['content-type']), /version=0\.0\.4/)
  })

  it('fails when the metrics cannot be read', async () => {
    scratch.metrics.failure = new Error('CANARY')
    const answer = await scratch.app.inject('/metrics')
    assert.equal(answer.statusCode, 500)
    assert.ok(!answer.body.includes('CANARY'))
  })
})
