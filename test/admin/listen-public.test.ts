import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { listenPublic } from '../../src/admin/listen-public.ts'
import type { PublicView } from '../../src/operations/public-keys.ts'

const version = {
  version: 2,
  key_id: '0123456789abcdef',
  fingerprint: 'sha256:0123456789abcdef',
  parts: { public_key: 'BPub' },
  jwk: { kty: 'EC', kid: '0123456789abcdef' },
}
const view: PublicView = {
  schema_version: 1,
  name: 'vapid',
  kind: 'vapid',
  current: version,
  announced: [{ ...version, version: 3, jwk: { kty: 'EC', kid: 'next' } }],
  retiring: [{ ...version, version: 1, jwk: { kty: 'EC', kid: 'previous' } }],
}

describe('listenPublic', () => {
  let shown: PublicView | undefined
  let failure: Error | undefined
  let listener: Awaited<ReturnType<typeof listenPublic>>
  let logged: string[]
  const get = (path: string, init: RequestInit = {}) => fetch(listener.url + path, init)

  beforeEach(async () => {
    shown = view
    failure = undefined
    logged = []
    const ask = async (name: string) => {
      if (failure) throw failure
      return name === 'vapid' ? shown : undefined
    }
    const log = { warn() {}, error: (message: string) => void logged.push(message) }
    listener = await listenPublic({ host: '127.0.0.1', port: 0 }, ask, log)
  })
  afterEach(() => listener.close())

  it('answers what is public, to pages of other sites too', async () => {
    assert.match(listener.url, /^http:\/\/127\.0\.0\.1:\d+\/v1\/public\/$/)
    const answer = await get('vapid')
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.deepEqual(await answer.json(), view)
  })

  it('has keys of all versions that may sign as a key set, but none that has leaked', async () => {
    const kids = async () => {
      const set = (await (await get('vapid/jwks.json')).json()) as { keys: { kid: string }[] }
      return set.keys.map(({ kid }) => kid)
    }
    assert.deepEqual(await kids(), ['0123456789abcdef', 'next', 'previous'])
    shown = { ...view, current: { ...version, compromised: true } }
    assert.deepEqual(await kids(), ['next', 'previous'])
    const { jwk: _, ...certificate } = version
    shown = { ...view, current: certificate, announced: [], retiring: [] }
    assert.equal((await get('vapid/jwks.json')).status, 404)
  })

  it('says when nothing has changed, and when something has', async () => {
    const first = await get('vapid')
    assert.equal(first.headers.get('cache-control'), 'public, no-cache')
    const tag = first.headers.get('etag') ?? ''
    assert.match(tag, /^"[\w-]{22}"$/)
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await get('vapid', { headers: { 'If-None-Match': known } })
      assert.equal(again.status, 304, known)
      assert.equal(again.headers.get('etag'), tag)
      assert.equal(await again.text(), '')
    }
    shown = { ...view, retiring: [] }
    const changed = await get('vapid', { headers: { 'If-None-Match': tag } })
    assert.equal(changed.status, 200)
    assert.notEqual(changed.headers.get('etag'), tag)
  })

  it('does not tell what is not public from what does not exist', async () => {
    const answers = await Promise.all(
      ['db-key', 'nothing', '../metrics', 'VAPID', 'vapid/', 'vapid/versions', ''].map((path) =>
        get(path),
      ),
    )
    for (const answer of answers) {
      assert.equal(answer.status, 404, answer.url)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
  })

  it('answers HEAD without a body, and no other method', async () => {
    const head = await get('vapid', { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(await head.text(), '')
    assert.equal(Number(head.headers.get('content-length')), JSON.stringify(view).length)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal((await get('vapid', { method })).status, 405, method)
    }
  })

  it('answers a request that names no host, as every listener does', async () => {
    const socket = connect(Number(new URL(listener.url).port), '127.0.0.1')
    socket.end('GET /v1/public/vapid HTTP/1.1\r\nConnection: close\r\n\r\n')
    const answer = await text(socket)
    assert.match(answer, /^HTTP\/1\.1 400 .*application\/problem\+json.*one Host header/s)
  })

  it('keeps the reason of a failure to itself', async () => {
    failure = new Error('CANARY')
    const answer = await get('vapid')
    assert.equal(answer.status, 500)
    assert.doesNotMatch(await answer.text(), /CANARY/)
    assert.deepEqual(logged, ['a request failed unexpectedly'])
  })
})
