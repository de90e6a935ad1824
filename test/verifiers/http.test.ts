import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { http } from '../../src/verifiers/http.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { startHttpServer } from '../fakes/http-server.ts'

const never = new AbortController().signal
const create = (options: unknown) => http.create(http.schema.parse(options), noContext)
const [first, second] = [fakeEdition('token-1'), fakeEdition('token-2')]

const takes =
  (token: string): RequestListener =>
  ({ headers }, reply) => {
    reply.statusCode = headers.authorization === `Bearer ${token}` ? 200 : 401
    reply.end()
  }

describeVerifier('http with a bearer token', async () => {
  const server = await startHttpServer(takes('token-1'))
  return {
    verifier: create({ url: `${server.origin}/api`, bearer: true }),
    first,
    second,
    switchToSecond: () => server.answer(takes('token-2')),
    stop: () => server.stop(),
    dispose: () => server.stop(),
  }
})

describeVerifier('http with a fingerprint', async () => {
  const shows =
    (fingerprint: string): RequestListener =>
    (_, reply) =>
      reply.end(JSON.stringify({ key: { id: fingerprint.toUpperCase() } }))
  const server = await startHttpServer(shows(first.version.fingerprint))
  return {
    verifier: create({ url: server.origin, fingerprint: '/key/id' }),
    first,
    second,
    switchToSecond: () => server.answer(shows(second.version.fingerprint)),
    stop: () => server.stop(),
    dispose: () => server.stop(),
  }
})

describe('http verifier', () => {
  let server: Awaited<ReturnType<typeof startHttpServer>>
  before(async () => {
    server = await startHttpServer((_, reply) => reply.end('all well'))
  })
  after(() => server.stop())

  /** What `accepts` says when the server gives this status. */
  const accepts = (status: number, options: object) => {
    server.answer((_, reply) => reply.writeHead(status).end('all well'))
    return create({ url: server.origin, ...options }).accepts(first, never)
  }

  it('proves nothing by a status alone', () => {
    assert.equal(create({ url: server.origin }).proves, false)
    assert.equal(create({ url: server.origin, bearer: true }).proves, true)
  })

  it('takes 401 and 403 for a no, and other surprises for "could not tell"', async () => {
    assert.equal((await accepts(401, { bearer: true })).yes, false)
    assert.equal((await accepts(403, { bearer: true })).yes, false)
    for (const status of [302, 404, 429, 500, 503]) {
      await assert.rejects(accepts(status, { bearer: true }), new RegExp(`answers ${status}`))
      const verifier = create({ url: server.origin, bearer: true })
      await assert.rejects(verifier.refuses!(first, never))
    }
    assert.equal((await accepts(404, { status: 404 })).yes, true)
  })

  it('looks for a text', async () => {
    assert.equal((await accepts(200, { contains: 'well' })).yes, true)
    assert.equal((await accepts(200, { contains: 'ill' })).yes, false)
  })

  it('does not carry the token along to where it is redirected', async () => {
    let followed = false
    const other = await startHttpServer((_, reply) => {
      followed = true
      reply.end()
    })
    server.answer((_, reply) => reply.writeHead(307, { location: other.origin }).end())
    await assert.rejects(create({ url: server.origin, bearer: true }).accepts(first, never))
    await other.stop()
    assert.equal(followed, false)
  })

  it('gives up on an answer without end, and on a broken one', async () => {
    const verifier = create({ url: server.origin, bearer: true })
    server.answer((_, reply) => {
      const more = () => reply.write(Buffer.alloc(65_536)) && setImmediate(more)
      reply.on('drain', more)
      more()
    })
    await assert.rejects(verifier.accepts(first, never), /answers more than 1 MiB/)
    server.answer((_, reply) => {
      reply.writeHead(200, { 'content-length': '100' }).write('x')
      reply.socket?.destroy()
    })
    await assert.rejects(verifier.accepts(first, never), /could not be asked/)
  })

  it('does not wait for ever for a server that wants to speak another protocol', async () => {
    const server = await startHttpServer((_, reply) => {
      const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp'
      reply.socket?.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n\r\n`)
    })
    try {
      const asked = create({ url: server.origin, bearer: true }).accepts(first, never)
      await assert.rejects(asked, /could not be asked/)
    } finally {
      await server.stop()
    }
  })

  it('never quotes the token or the answer', async () => {
    server.answer((_, reply) => reply.end('{"canary'))
    const verifier = create({ url: server.origin, bearer: true, fingerprint: '/a' })
    const odd = create({ url: server.origin, bearer: true })
    for (const asked of [
      () => verifier.accepts(fakeEdition('canary'), never),
      () => odd.accepts(fakeEdition('canary\r\nX: y'), never),
    ]) {
      await assert.rejects(asked, (error: Error) => {
        return !JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('canary')
      })
    }
  })

  it('asks an unverified certificate only on this host', () => {
    const allows = (url: string) => http.schema.safeParse({ url, insecure: true }).success
    assert.equal(allows('https://127.0.0.1:8443/'), true)
    assert.equal(allows('https://[::1]/'), true)
    assert.equal(allows('https://chat.example.com/'), false)
    assert.equal(allows('https://127.0.0.1.example.com/'), false)
    for (const url of ['ftp://a/', 'http://user:pass@a/', '/a', 'javascript:1']) {
      assert.equal(http.schema.safeParse({ url }).success, false, url)
    }
  })
})
