import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { requireAccess } from '../../src/admin/access.ts'
import { addToken } from '../../src/api-tokens/edit-token-file.ts'
import { scratchApp } from './scratch-app.ts'
import { newToken } from './scratch-tokens.ts'

/**
 * Who may use what, by hand from interface.md and not from the routes themselves, with a request that is
 * answered. `here`: on the unix socket only. `form`: of a browser; its sign-in has a file of its own.
 */
const table: Readonly<
  Record<
    string,
    readonly [scope: string, body?: object | undefined, how?: 'here' | 'form' | 'sign-in']
  >
> = {
  'GET /healthz': ['none'],
  'GET /readyz': ['none'],
  'GET /openapi.json': ['none'],
  'GET /': ['read'],
  'GET /materials/:name': ['read'],
  'GET /rotations/:id': ['read'],
  'POST /sign-in': ['none', undefined, 'sign-in'],
  'POST /sign-out': ['read', undefined, 'form'],
  'GET /page/style.css': ['none'],
  'GET /page/script.js': ['none'],
  'GET /page/ask.js': ['none'],
  'GET /page/live.js': ['none'],
  'GET /page/perform.js': ['none'],
  'GET /page/post.js': ['none'],
  'GET /page/icon.svg': ['none'],
  'GET /metrics': ['read'],
  'GET /v1/status': ['read'],
  'GET /v1/materials': ['read'],
  'GET /v1/materials/:name': ['read'],
  'GET /v1/rotations': ['read'],
  'GET /v1/rotations/:id': ['read'],
  'GET /v1/plan': ['read'],
  'GET /v1/audit': ['read'],
  'GET /v1/events': ['read'],
  'POST /v1/materials/:name/rotate': ['rotate', {}],
  'POST /v1/materials/:name/pause': ['rotate', { reason: 'holidays' }],
  'POST /v1/materials/:name/resume': ['rotate', {}],
  'POST /v1/materials/:name/approve': ['rotate', {}],
  'POST /v1/materials/:name/apply': ['rotate', {}],
  'POST /v1/materials/:name/verify': ['rotate', {}],
  'POST /v1/rotate-due': ['rotate', {}],
  'POST /v1/notices/test': ['rotate', { channel: 'ntfy' }],
  'POST /v1/doctor': ['rotate', {}],
  'POST /v1/pause': ['rotate', { reason: 'holidays' }],
  'POST /v1/resume': ['rotate', {}],
  'POST /v1/materials/:name/rollback': ['admin', {}],
  'POST /v1/materials/:name/end-overlap': ['admin', {}],
  'POST /v1/materials/:name/adopt': ['admin', {}],
  'POST /v1/materials/:name/compromise': ['admin', {}],
  'POST /v1/materials/:name/csr': ['admin', {}],
  'POST /v1/materials/:name/import': [
    'admin',
    { parts: [{ part: 'certificate', path: '/etc/chain.pem' }] },
    'here',
  ],
  'POST /v1/materials/:name/reveal': ['admin', { out: '/home/alice/key' }, 'here'],
  'POST /v1/api-tokens/changes': ['admin', { done: 'revoke', name: 'grafana' }, 'here'],
  'POST /v1/backup': ['admin', { to: '/mnt/usb' }, 'here'],
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'] as const
type Method = (typeof methods)[number]
const rank = ['none', 'read', 'rotate', 'admin']

let folder: string
let tcp: ReturnType<typeof scratchApp>
let socket: ReturnType<typeof scratchApp>
/** What a client may send, and the scope that it stands for. */
let credentials: Readonly<Record<string, { authorization?: string; scope: string }>>

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-access-'))
  const tokens = join(folder, 'tokens.yaml')
  const bearer = async (name: string, different: object) => {
    const { secret, token } = newToken(name, different)
    await addToken(tokens, token)
    return `Bearer ${secret}`
  }
  credentials = {
    nothing: { scope: 'none' },
    'an unknown token': { authorization: `Bearer ${newToken('x').secret}`, scope: 'none' },
    'an expired token': {
      authorization: await bearer('old', { scope: 'admin', expires: '2026-12-31T00:00:00Z' }),
      scope: 'none',
    },
    'another scheme': { authorization: 'Basic cm9vdDpyb290', scope: 'none' },
    'a read token': { authorization: await bearer('reader', { scope: 'read' }), scope: 'read' },
    'a rotate token': {
      authorization: await bearer('rotator', { scope: 'rotate' }),
      scope: 'rotate',
    },
    'an admin token': { authorization: await bearer('boss', { scope: 'admin' }), scope: 'admin' },
  }
  tcp = scratchApp({ host: '127.0.0.1', port: 9471, tokens, hosts: [] })
  socket = scratchApp()
  await tcp.app.ready()
  await socket.app.ready()
})
after(async () => {
  await tcp.app.close()
  await socket.app.close()
  await rm(folder, { recursive: true })
})

beforeEach(() => {
  tcp.fake.calls.length = 0
})

const addressOf = (path: string) => path.replace(':name', 'key').replace(':id', 'abc123')

async function ask(
  { app, clock }: ReturnType<typeof scratchApp>,
  method: Method,
  path: string,
  authorization?: string,
) {
  // So that none is refused for what came before.
  await clock.advance(6_000)
  const [, body, how] = table[`${method} ${path}`] ?? []
  const headers = {
    host: 'localhost',
    ...(authorization !== undefined && { authorization }),
    ...(how === 'form' && { 'content-type': 'application/x-www-form-urlencoded' }),
  }
  const question = { method, url: addressOf(path), headers, ...(body && { payload: body }) }
  // The stream of events has no end of its own.
  const answer = await app.inject({ ...question, payloadAsStream: true })
  const { statusCode: status } = answer
  const content = status < 400 ? '' : await text(answer.stream())
  return { status, headers: answer.headers, content }
}

/** From the router itself: a tree whose branches are indented by four characters. */
function registered(tree: string): string[] {
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', path = '', of = ''] =
      /^([│ ]*)[├└]── (\S+)(?: \((.+)\))?$/u.exec(line) ?? []
    const depth = indent.length / 4
    above.splice(depth, Infinity, `${above[depth - 1] ?? ''}${path}`)
    return of === '' ? [] : of.split(', ').map((method) => `${method} ${above[depth]}`)
  })
}

describe('the table of who may do what', () => {
  it('names every route there is, and no other', () => {
    for (const { app } of [tcp, socket]) {
      const found = registered(app.printRoutes({ commonPrefix: false }))
      assert.deepEqual(found.toSorted(), Object.keys(table).toSorted())
    }
  })

  it('is what /openapi.json tells', async () => {
    const { paths } = (
      await tcp.app.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
    ).json<{
      paths: Record<string, Record<string, { security: { token: string[] }[] }>>
    }>()
    const told = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { security }]) => [
        `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
        security[0]?.token[0] ?? 'none',
      ]),
    )
    const expected = Object.entries(table).map(([route, [scope]]) => [route, scope])
    assert.deepEqual(Object.fromEntries(told), Object.fromEntries(expected))
  })
})

describe('requireAccess', () => {
  it('keeps an app from starting with a route that does not say who may use it and what it answers', () => {
    const { app } = scratchApp()
    assert.throws(() => app.get('/v1/new', () => ({})), /GET \/v1\/new does not say all of scope/)
    const said = {
      scope: 'none',
      summary: 'New.',
      operation: 'getNew',
      answers: { 204: null },
    } as const
    for (const unsaid of ['scope', 'summary', 'operation', 'answers']) {
      const config = { ...said, [unsaid]: undefined }
      assert.throws(() => app.get('/v1/new', { config }, () => ({})), /does not say all/, unsaid)
    }
    assert.throws(() => requireAccess(app), /already/)
  })
})

for (const path of new Set(Object.keys(table).map((route) => route.split(' ')[1] ?? ''))) {
  describe(`over TCP ${path}`, () => {
    for (const method of methods) {
      const row = table[`${method} ${path}`]
      if (!row) {
        it(`is not there for ${method}, whoever asks`, async () => {
          for (const { authorization } of Object.values(credentials)) {
            const answer = await ask(tcp, method, path, authorization)
            assert.equal(answer.status, 404)
          }
          assert.deepEqual(tcp.fake.calls, [])
        })
        continue
      }
      const [needed, , how] = row
      if (how === 'sign-in') continue
      const here = how === 'here'
      it(`answers ${method} for scope ${needed}${here ? ', but not here' : ''}`, async () => {
        for (const [what, { authorization, scope }] of Object.entries(credentials)) {
          tcp.fake.calls.length = 0
          const answer = await ask(tcp, method, path, authorization)
          const known = rank.indexOf(scope) > 0 || needed === 'none'
          const may = rank.indexOf(scope) >= rank.indexOf(needed)
          const expected = known ? (may && !here ? 'done' : 403) : 401
          const status = answer.status < 400 ? 'done' : answer.status
          assert.equal(status, expected, `${what}: ${status}`)
          assert.equal(answer.headers['rekeyd-audit-head'], '7:abc')
          if (status === 'done') continue
          assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
          const problem = JSON.parse(answer.content) as { status: number; hint?: string }
          assert.equal(problem.status, status)
          assert.ok(problem.hint)
          assert.deepEqual(tcp.fake.calls, [], `${what} did something`)
          const challenge = String(answer.headers['www-authenticate'])
          if (!here || status === 401) assert.match(challenge, /^Bearer realm="rekeyd"/)
          if (known && !may) assert.match(challenge, /insufficient_scope/)
        }
      })

      it(`answers ${method} to anybody on the unix socket`, async () => {
        const answer = await ask(socket, method, path)
        assert.ok(answer.status < 400, answer.content)
        assert.equal(answer.headers['rekeyd-audit-head'], '7:abc')
      })
    }
  })
}

describe('a rotate token', () => {
  it('marks nothing as compromised, by whatever route', async () => {
    const rotate = (token: string, payload: object) =>
      tcp.app.inject({
        method: 'POST',
        url: '/v1/materials/key/rotate',
        headers: { host: 'localhost', authorization: credentials[token]?.authorization ?? '' },
        payload,
      })
    const refused = await rotate('a rotate token', { reason: 'compromise' })
    assert.equal(refused.statusCode, 403)
    assert.match(String(refused.headers['www-authenticate']), /scope="admin"/)
    assert.deepEqual(tcp.fake.calls, [])
    assert.equal((await rotate('a rotate token', { reason: 'manual' })).statusCode, 202)
    assert.equal((await rotate('an admin token', { reason: 'compromise' })).statusCode, 202)
  })
})

describe('the caller over TCP', () => {
  const asBoss = (headers: Readonly<Record<string, string>>) =>
    tcp.app.inject({
      method: 'POST',
      url: '/v1/materials/key/approve',
      headers: {
        host: 'localhost',
        authorization: credentials['an admin token']?.authorization ?? '',
        ...headers,
      },
      payload: { why: 'checked' },
    })

  it('is the token, whatever the client calls itself', async () => {
    assert.equal((await asBoss({})).statusCode, 204)
    const refused = await asBoss({ 'x-rekeyd-caller': 'alice' })
    assert.equal(refused.statusCode, 400)
    assert.match(refused.json<{ detail: string }>().detail, /on the unix socket only/)
    assert.deepEqual(tcp.fake.calls, [['approve', 'key', { who: 'api:boss', why: 'checked' }]])
  })

  it('is not believed from a page of another site', async () => {
    for (const headers of [
      { origin: 'https://evil.example.com' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal((await asBoss(headers)).statusCode, 403)
    }
    assert.deepEqual(tcp.fake.calls, [])
    assert.equal((await asBoss({ origin: 'http://localhost' })).statusCode, 204)
  })

  it('asks for us by a name of ours', async () => {
    for (const host of ['evil.example.com', 'localhost:1', '127.0.0.1.evil.example.com']) {
      const answer = await asBoss({ host })
      assert.equal(answer.statusCode, 421)
      assert.match(answer.json<{ hint: string }>().hint, /admin\.http\.hosts/)
    }
    assert.equal(
      (await tcp.app.inject({ url: '/healthz', headers: { host: 'x' } })).statusCode,
      421,
    )
    assert.deepEqual(tcp.fake.calls, [])
  })
})

describe('failed authentications', () => {
  it('are told to wait when they are many, and a valid token is not', async () => {
    const question = (authorization?: string) =>
      tcp.app.inject({
        url: '/v1/status',
        headers: { host: 'localhost', ...(authorization !== undefined && { authorization }) },
      })
    await tcp.clock.advance(60_000)
    const statuses: number[] = []
    for (let index = 0; index < 12; index += 1) statuses.push((await question()).statusCode)
    assert.deepEqual(statuses, [...Array<number>(10).fill(401), 429, 429])
    const late = await question('Bearer rekeyd_wrong')
    assert.equal(late.statusCode, 429)
    assert.equal(late.headers['retry-after'], '6')
    assert.match(String(late.headers['content-type']), /problem/)
    const read = credentials['a read token']?.authorization
    assert.equal((await question(read)).statusCode, 200)
  })

  it('never put a token into the log', async () => {
    await tcp.clock.advance(120_000)
    const lines = JSON.stringify(tcp.logged)
    assert.match(lines, /requests without a valid API token were refused/)
    assert.ok(!lines.includes('rekeyd_'))
  })
})
