import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { listenMetrics } from '../../src/admin/listen-metrics.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { FakeScraped } from '../fakes/fake-scraped.ts'

const local = { host: '127.0.0.1', port: 0 }

describe('listenMetrics', () => {
  let metrics: FakeScraped
  let listener: Awaited<ReturnType<typeof listenMetrics>>
  let origin: string
  beforeEach(async () => {
    metrics = new FakeScraped()
    listener = await listenMetrics(local, metrics)
    origin = new URL(listener.url).origin
  })
  afterEach(() => listener.close())

  it('says where it listens and answers a scrape there', async () => {
    assert.match(listener.url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/)
    const answer = await fetch(listener.url)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4')
    assert.equal(await answer.text(), 'up 1\n')
    assert.equal((await fetch(`${listener.url}?collect=all`)).status, 200)
  })

  it('tells whether the scheduler ticks', async () => {
    const health = async () => (await fetch(`${origin}/healthz`)).status
    assert.equal(await health(), 200)
    metrics.state = 'stalled'
    assert.equal(await health(), 503)
  })

  it('answers nothing else', async () => {
    for (const path of ['/', '/v1/status', '/metrics/', '/METRICS', '/readyz', '//metrics']) {
      const answer = await fetch(origin + path)
      assert.equal(answer.status, 404, path)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
      const answer = await fetch(listener.url, { method })
      assert.equal(answer.status, 405, method)
      assert.equal(answer.headers.get('allow'), 'GET')
    }
  })

  it('keeps the reason of a failure to itself', async () => {
    metrics.failure = new Error('CANARY')
    const answer = await fetch(listener.url)
    assert.equal(answer.status, 500)
    assert.ok(!(await answer.text()).includes('CANARY'))
  })

  it('ends what is not HTTP', async () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.end('nonsense\r\n\r\n')
    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  it('closes although a connection is open', async () => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    await once(socket, 'connect')
    const ended = once(socket, 'close')
    socket.resume().on('error', () => {})
    const other = await listenMetrics(local, metrics)
    await other.close()
    await listener.close()
    await ended
    listener = await listenMetrics(local, metrics)
  })

  it('listens on IPv6, and writes it so that it can be asked', async () => {
    const other = await listenMetrics({ host: '::1', port: 0 }, metrics)
    assert.match(other.url, /^http:\/\/\[::1\]:\d+\/metrics$/)
    assert.equal((await fetch(other.url)).status, 200)
    await other.close()
  })

  it('names the address that is taken, and what to change', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await assert.rejects(listenMetrics({ ...local, port }, metrics), (error: unknown) => {
      assert.ok(error instanceof OperatorError)
      assert.equal(error.kind, 'config')
      assert.ok(error.message.includes(`127.0.0.1:${port}`))
      assert.match(error.hint ?? '', /metrics\.listen/)
      return true
    })
    server.close()
    await assert.rejects(listenMetrics({ host: '192.0.2.1', port: 0 }, metrics), /192\.0\.2\.1/)
  })
})
