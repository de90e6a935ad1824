import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ntfy } from '../../src/notices/ntfy.ts'
import { describeChannel } from '../contracts/channel.ts'
import { startReceiver } from './http-receiver.ts'
import { noticeLike } from './sample.ts'

const token = 'tk_canary0123456789'

describeChannel('ntfy', async (behaviour) => {
  const receiver = await startReceiver(behaviour)
  const options = ntfy.schema.parse({
    url: `${receiver.origin}/topic-secret`,
    token: receiver.secret('token', token),
  })
  return { ...receiver, channel: ntfy.create(options), secrets: [token, 'topic-secret'] }
})

describe('the ntfy channel', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  const signal = AbortSignal.timeout(60_000)
  beforeEach(async () => {
    receiver = await startReceiver('ok')
  })
  afterEach(() => receiver.stop())

  const send = (options: object) =>
    ntfy.create(ntfy.schema.parse(options)).send(noticeLike(), signal)

  it('publishes JSON to the server, with topic, priority, tags and token', async () => {
    const url = `${receiver.origin}/rekeyd`
    await send({ url, token: receiver.secret('token', token) })
    const [{ path, headers, body } = assert.fail()] = receiver.requests
    assert.equal(path, '/')
    assert.equal(headers.authorization, `Bearer ${token}`)
    assert.equal(headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(body), {
      topic: 'rekeyd',
      title: 'chat-1: chat-tls is suspended: it is not tried any more',
      message: 'the server did not start <1 & 2>\nTry again: `rekeyd resume chat-tls`',
      priority: 5,
      tags: ['rotating_light', 'suspended'],
    })
  })

  it('reads the address from a file where it is a secret, each time', async () => {
    const url = receiver.secret('url', `${receiver.origin}/first`)
    await send({ url })
    receiver.secret('url', `${receiver.origin}/second`)
    await send({ url })
    assert.deepEqual(
      receiver.requests.map(({ body }) => JSON.parse(body).topic),
      ['first', 'second'],
    )
    assert.equal(receiver.requests[0]?.headers.authorization, undefined)
  })

  it('refuses an address in a file that would cross the network in clear', async () => {
    const url = receiver.secret('url', 'http://ntfy.example.com/topic-secret')
    await assert.rejects(send({ url }), /the address in \/\S+ must be https for another host/)
    receiver.secret('url', 'ftp://x')
    await assert.rejects(send({ url }), /is no http or https address/)
  })

  it('says that it lacks a topic', async () => {
    await assert.rejects(send({ url: receiver.origin }), /names no ntfy topic/)
    assert.equal(receiver.requests.length, 0)
  })

  it('says which file does not hold a token', async () => {
    const empty = receiver.secret('empty', '')
    const url = `${receiver.origin}/rekeyd`
    await assert.rejects(send({ url, token: empty }), /empty does not hold one line of text/)
    const two = receiver.secret('two', 'one\r\nX-Injected: two')
    await assert.rejects(send({ url, token: two }), /two does not hold one line of text/)
    await assert.rejects(send({ url, token: { file: '/absent' } }), /cannot read \/absent/)
  })
})
