import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type HttpListener, listenHttp } from '../../src/admin/listen-http.ts'
import type { Scope } from '../../src/api-tokens/api-token.ts'
import { addToken, revokeToken } from '../../src/api-tokens/edit-token-file.ts'
import { scratchOptions } from './scratch-app.ts'
import { newToken } from './scratch-tokens.ts'

let folder: string
let tokens: string
let scratch: ReturnType<typeof scratchOptions>
let listener: HttpListener
let origin: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-sign-in-'))
  tokens = join(folder, 'tokens.yaml')
  scratch = scratchOptions()
  listener = await listenHttp(scratch.options, { host: '127.0.0.1', port: 0, tokens, hosts: [] })
  origin = listener.url.slice(0, -1)
})
afterEach(async () => {
  await listener.close()
  await rm(folder, { recursive: true })
})

type Headers = Readonly<Record<string, string>>

/** As a browser sends what a person looks at. */
const browser = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-site': 'same-origin' }

async function send(method: string, path: string, headers: Headers = {}, body?: string) {
  const question = request(`${origin}${path}`, { method, headers, agent: false }).end(body)
  const [answer] = (await once(question, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) }
}

const form = { ...browser, 'content-type': 'application/x-www-form-urlencoded' }
const signIn = (token: string, headers: Headers = {}) =>
  send(
    'POST',
    '/sign-in',
    { ...form, origin, ...headers },
    new URLSearchParams({ token }).toString(),
  )

async function addOne(scope: Scope, name: string = scope, different = {}): Promise<string> {
  const { secret, token } = newToken(name, { scope, ...different })
  await addToken(tokens, token)
  return secret
}

/** A signed-in browser: its cookie, and what its page was given for the API. */
async function signedIn(secret: string) {
  const { status, headers } = await signIn(secret)
  assert.equal(status, 303)
  const [cookie = ''] = headers['set-cookie']?.[0]?.split(';') ?? []
  const { body } = await send('GET', '/', { ...browser, cookie })
  const csrf = /<meta name="csrf" content="([\w-]{43})">/.exec(body)?.[1] ?? ''
  assert.ok(csrf)
  return { cookie, csrf }
}

const rotate = (headers: Headers) =>
  send(
    'POST',
    '/v1/materials/key/rotate',
    { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', origin, ...headers },
    '{}',
  )
const rotations = () => scratch.fake.calls.filter(([name]) => name === 'startRotation')

describe('the sign-in', () => {
  it('is what a browser without a session sees, and an API client is told as before', async () => {
    const page = await send('GET', '/', browser)
    assert.equal(page.status, 401)
    assert.match(page.headers['content-type'] ?? '', /^text\/html/)
    assert.match(page.body, /<form method="post" action="\/sign-in">/)
    assert.ok(!page.body.includes('role="alert"') && !page.body.includes('<script'))
    const api = await send('GET', '/')
    assert.equal(api.status, 401)
    assert.match(api.headers['content-type'] ?? '', /problem\+json/)
  })

  it('gives a cookie for a token, and goes on to the page', async () => {
    const { status, headers } = await signIn(` ${await addOne('rotate')}\n`)
    assert.equal(status, 303)
    assert.equal(headers.location, '/')
    assert.match(
      headers['set-cookie']?.[0] ?? '',
      /^__Host-rekeyd=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    )
    const [cookie = ''] = headers['set-cookie']?.[0]?.split(';') ?? []
    const page = await send('GET', '/', { ...browser, cookie })
    assert.equal(page.status, 200)
    assert.match(page.body, /<b>rotate<\/b> \(rotate\)/)
    assert.equal((await send('GET', '/v1/status', { cookie })).status, 200)
  })

  it('refuses a token that is unknown, has expired or is none, without a cookie', async () => {
    const expired = await addOne('admin', 'old', { expires: '2020-01-01T00:00:00Z' })
    for (const wrong of ['rekeyd_wrong', expired, '<b>"', ' ']) {
      const { status, headers, body } = await signIn(wrong)
      assert.ok(status === 401 || status === 400, `${status}`)
      assert.equal(headers['set-cookie'], undefined)
      assert.match(body, /role="alert"/)
      assert.ok(!body.includes(wrong.trim() || '  '))
    }
    assert.ok(!JSON.stringify(scratch.logged).includes('rekeyd_'))
  })

  it('makes whoever guesses wait, and nobody else', async () => {
    const secret = await addOne('read')
    const statuses = []
    for (let guess = 0; guess < 12; guess += 1) {
      statuses.push((await signIn(`rekeyd_${guess}`)).status)
    }
    assert.deepEqual(statuses, [...Array<number>(10).fill(401), 429, 429])
    assert.match((await signIn('rekeyd_x')).body, /too many requests without a valid token/)
    assert.equal(
      (await send('GET', '/', browser)).status,
      401,
      'who only comes has guessed nothing',
    )
    assert.equal((await signIn(secret)).status, 303)
  })

  it('is not there for the pages of others', async () => {
    const secret = await addOne('read')
    for (const headers of [
      { origin: 'https://evil.example.com' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const { status, headers: answered } = await signIn(secret, headers)
      assert.equal(status, 403)
      assert.equal(answered['set-cookie'], undefined)
    }
  })

  it('reads forms, and nothing else does', async () => {
    const secret = await addOne('admin')
    const json = { ...browser, 'content-type': 'application/json' }
    assert.equal(
      (await send('POST', '/sign-in', json, JSON.stringify({ token: secret }))).status,
      415,
    )
    const { cookie, csrf } = await signedIn(secret)
    const sent = await send(
      'POST',
      '/v1/pause',
      { ...form, cookie, origin, 'x-rekeyd-csrf': csrf },
      'reason=evil',
    )
    assert.equal(sent.status, 415)
    assert.deepEqual(
      scratch.fake.calls.filter(([name]) => name === 'pause'),
      [],
    )
    const large = await signIn('x'.repeat(2_000))
    assert.equal(large.status, 413)
  })
})

describe('a session', () => {
  it('changes something only from our own page', async () => {
    const { cookie, csrf } = await signedIn(await addOne('rotate'))
    const other = await signedIn(await addOne('rotate', 'other'))
    const token = { cookie, 'x-rekeyd-csrf': csrf }
    for (const headers of [
      { cookie },
      { cookie, 'x-rekeyd-csrf': '' },
      { cookie, 'x-rekeyd-csrf': other.csrf },
      { cookie, 'x-rekeyd-csrf': `${csrf}x` },
      { ...token, origin: 'https://evil.example.com' },
      { ...token, origin: 'null' },
      { ...token, origin: 'http://127.0.0.1:1' },
      { ...token, 'sec-fetch-site': 'same-site' },
    ]) {
      assert.ok([401, 403].includes((await rotate(headers)).status ?? 0), JSON.stringify(headers))
    }
    const bare = { 'content-type': 'application/json', ...token }
    const unsaid = await send('POST', '/v1/materials/key/rotate', bare, '{}')
    assert.equal(unsaid.status, 403, 'a browser says where it comes from')
    assert.deepEqual(rotations(), [])
    assert.equal((await rotate(token)).status, 202)
    assert.deepEqual(rotations(), [['startRotation', 'key', {}, { who: 'api:rotate' }]])
  })

  it('has the scope of its token, and no more', async () => {
    const { cookie, csrf } = await signedIn(await addOne('read'))
    const refused = await rotate({ cookie, 'x-rekeyd-csrf': csrf })
    assert.equal(refused.status, 403)
    assert.match(refused.body, /needs a token of scope rotate, and this one has read/)
    const page = await send('GET', '/', { ...browser, cookie })
    assert.match(page.body, /This token may only read/)
    assert.ok(!page.body.includes('data-do='))
  })

  it('ends with its token at the next request', async () => {
    const { cookie, csrf } = await signedIn(await addOne('admin'))
    await revokeToken(tokens, 'admin')
    assert.equal((await rotate({ cookie, 'x-rekeyd-csrf': csrf })).status, 401)
    const page = await send('GET', '/', { ...browser, cookie })
    assert.equal(page.status, 401)
    const again = newToken('admin', { scope: 'admin' })
    await addToken(tokens, again.token)
    assert.equal((await send('GET', '/', { ...browser, cookie })).status, 401)
    assert.deepEqual(rotations(), [])
  })

  it('ends when the token expires, and after an hour without a request', async () => {
    const { expires } = { expires: new Date(scratch.clock.now() + 600_000).toISOString() }
    const short = await signedIn(await addOne('read', 'short', { expires }))
    const long = await signedIn(await addOne('read', 'long'))
    await scratch.clock.advance(600_000)
    assert.equal((await send('GET', '/', { ...browser, cookie: short.cookie })).status, 401)
    assert.equal((await send('GET', '/', { ...browser, cookie: long.cookie })).status, 200)
    await scratch.clock.advance(3_600_000)
    assert.equal((await send('GET', '/', { ...browser, cookie: long.cookie })).status, 401)
  })

  it('signs out with the token of its page only', async () => {
    const { cookie, csrf } = await signedIn(await addOne('read'))
    const signOut = (body: string) => send('POST', '/sign-out', { ...form, cookie, origin }, body)
    assert.equal((await signOut('')).status, 403)
    assert.equal((await send('GET', '/', { ...browser, cookie })).status, 200)
    const { status, headers } = await signOut(`csrf=${csrf}`)
    assert.equal(status, 303)
    assert.match(headers['set-cookie']?.[0] ?? '', /Max-Age=0/)
    assert.equal((await send('GET', '/', { ...browser, cookie })).status, 401)
  })

  it('is not believed for what a page of another port loads, but for a link from there', async () => {
    const { cookie } = await signedIn(await addOne('read'))
    const from = { ...browser, cookie, 'sec-fetch-site': 'same-site' }
    assert.equal((await send('GET', '/', { ...from, 'sec-fetch-mode': 'no-cors' })).status, 401)
    assert.equal((await send('GET', '/', { ...from, 'sec-fetch-mode': 'navigate' })).status, 200)
  })

  it('counts for nothing beside a header', async () => {
    const { cookie } = await signedIn(await addOne('admin'))
    const wrong = { cookie, authorization: 'Bearer rekeyd_wrong' }
    assert.equal((await send('GET', '/v1/status', wrong)).status, 401)
  })

  it('reads events no further once its token is revoked', async () => {
    const { cookie } = await signedIn(await addOne('read'))
    const asked = request(`${origin}/v1/events`, { headers: { cookie }, agent: false }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const all = text(answer)
    await revokeToken(tokens, 'read')
    await scratch.clock.advance(15_000)
    assert.match(await all, /^retry: 2000\n\n/)
  })
})

describe('an error, for a browser', () => {
  it('is a page with words, hint and id', async () => {
    const { cookie } = await signedIn(await addOne('read'))
    scratch.fake.answers.status = () => {
      throw new Error('rekeyd_secret')
    }
    const { status, body, headers } = await send('GET', '/', { ...browser, cookie })
    assert.equal(status, 500)
    assert.match(String(headers['content-security-policy']), /require-trusted-types-for 'script'/)
    assert.match(body, /an unexpected error[\s\S]*the log has more under the id ([\w-]{36})/)
    assert.ok(!body.includes('rekeyd_secret'))
    const nowhere = await send('GET', '/nowhere', { ...browser, cookie })
    assert.equal(nowhere.status, 404)
    assert.match(nowhere.body, /there is nothing at this address/)
  })
})

describe('a part of the page', () => {
  it('is kept for ever by its version, and asked for again without', async () => {
    const { body } = await send('GET', '/', browser)
    const [, path = ''] = /href="(\/page\/style\.css\?v=[\w-]+)"/.exec(body) ?? []
    const versioned = await send('GET', path)
    assert.match(versioned.headers['cache-control'] ?? '', /immutable/)
    assert.match(versioned.headers['content-type'] ?? '', /^text\/css/)
    const plain = await send('GET', '/page/style.css')
    assert.equal(plain.headers['cache-control'], 'no-cache')
    assert.equal(plain.body, versioned.body)
    const etag = plain.headers.etag?.toString() ?? ''
    const again = await send('GET', '/page/style.css', { 'if-none-match': etag })
    assert.deepEqual([again.status, again.body], [304, ''])
  })
})
