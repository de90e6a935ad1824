import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { errorCodes } from '../../src/operations/operations.ts'
import { type ErrorKind, OperatorError } from '../../src/support/operator-error.ts'
import { scratchApp } from './scratch-app.ts'

/** Every address with something that it accepts. */
const reads = {
  '/healthz': [],
  '/readyz': [],
  '/metrics': [],
  '/': [],
  '/v1/status': [],
  '/v1/materials': [],
  '/v1/materials/key': [],
  '/v1/plan': ['?days=0', '?days=3660'],
  '/v1/audit': ['?after=7&limit=500'],
  '/v1/rotations': ['?limit=1', '?material=key&cursor=abc123'],
  '/v1/rotations/abc123': [],
}
const writes: Readonly<Record<string, object>> = {
  '/v1/pause': { reason: 'holidays', until: '2027-01-02T00:00:00+01:00' },
  '/v1/resume': {},
  '/v1/rotate-due': {},
  '/v1/notices/test': {},
  '/v1/doctor': {},
  '/v1/api-tokens/changes': { done: 'add', name: 'grafana', scope: 'read' },
  '/v1/materials/key/rotate': { reason: 'manual', dry_run: false, now: true, accept_impact: 'key' },
  '/v1/materials/key/pause': { reason: 'holidays', until: '2027-01-02T00:00:00Z' },
  '/v1/materials/key/resume': {},
  '/v1/materials/key/approve': {},
  '/v1/materials/key/apply': {},
  '/v1/materials/key/rollback': { to: 1 },
  '/v1/materials/key/end-overlap': {},
  '/v1/materials/key/adopt': {},
  '/v1/materials/key/compromise': { on_failure: 'old' },
  '/v1/materials/key/verify': {},
  '/v1/materials/key/import': { parts: [{ part: 'certificate', path: '/etc/chain.pem' }] },
  '/v1/materials/key/csr': {},
  '/v1/materials/key/reveal': {
    version: 'next',
    part: 'key',
    format: 'pem',
    out: '/home/alice/key',
  },
}

let scratch: ReturnType<typeof scratchApp>
beforeEach(() => {
  scratch = scratchApp()
})
afterEach(() => scratch.app.close())

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'
const post = (url: string, payload: unknown, headers: Readonly<Record<string, string>> = {}) =>
  scratch.app.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })
type Answer = Awaited<ReturnType<typeof post>>

function assertProblem(answer: Answer, status: number, field?: string): void {
  assert.equal(answer.statusCode, status, answer.body)
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  const body = answer.json<{ status: number; errors?: { field: string }[] }>()
  assert.equal(body.status, status)
  if (field !== undefined)
    assert.ok(
      body.errors?.some((error) => error.field === field),
      answer.body,
    )
}

describe('the admin API', () => {
  for (const [path, queries] of Object.entries(reads)) {
    for (const url of [path, ...queries.map((query) => path + query)]) {
      it(`answers GET ${url}`, async () => {
        const answer = await scratch.app.inject(url)
        assert.equal(answer.statusCode, 200, answer.body)
        assert.equal(answer.headers['cache-control'], 'no-store')
        assert.equal(answer.headers['x-content-type-options'], 'nosniff')
      })
    }
  }

  for (const [url, body] of Object.entries(writes)) {
    it(`answers POST ${url}, and refuses what it does not know`, async () => {
      const answer = await post(url, body)
      assert.ok(answer.statusCode < 300, answer.body)
      scratch.fake.calls.length = 0
      assertProblem(await post(url, { ...body, extra: 1 }), 400, 'extra')
      assertProblem(await post(url, { ...body, why: 7 }), 400, 'why')
      assertProblem(await post(url, { ...body, why: 'two\nlines' }), 400, 'why')
      for (const wrong of ['[]', '"text"', '7', 'true']) assertProblem(await post(url, wrong), 400)
      for (const broken of ['{', '{"a":}', '']) assertProblem(await post(url, broken), 400)
      assertProblem(await post(url, '{"__proto__":{"a":1}}'), 400)
      assertProblem(await post(url, '{"constructor":{"prototype":{"a":1}}}'), 400)
      for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
        assertProblem(await post(url, 'a=b', { 'content-type': type }), 415)
      }
      assertProblem(await post(url, { ...body, why: 'x'.repeat(65_536) }), 413)
      assert.deepEqual(scratch.fake.calls, [])
    })

    for (const field of Object.keys(body)) {
      it(`refuses every wrong type of ${field} in POST ${url}`, async () => {
        for (const wrong of [null, { a: 1 }, [[]], 'true\0', 1.5, -1]) {
          assertProblem(await post(url, { ...body, [field]: wrong }), 400)
        }
        assert.deepEqual(scratch.fake.calls, [])
      })
    }
  }

  it('takes a text for no number and no truth', async () => {
    assertProblem(await post('/v1/materials/key/rollback', { to: '1' }), 400, 'to')
    assertProblem(await post('/v1/materials/key/rotate', { now: 'true' }), 400, 'now')
    assertProblem(await post('/v1/materials/key/rotate', { now: 1 }), 400, 'now')
  })

  it('names a field deep inside', async () => {
    const parts = [{ part: 'certificate', path: 'relative' }]
    assertProblem(await post('/v1/materials/key/import', { parts }), 400, 'parts.0.path')
  })

  it('needs no body where nothing in it is required', async () => {
    const answer = await scratch.app.inject({ method: 'POST', url: '/v1/materials/key/approve' })
    assert.equal(answer.statusCode, 204)
    const pause = await scratch.app.inject({ method: 'POST', url: '/v1/materials/key/pause' })
    assertProblem(pause, 400, 'reason')
  })

  for (const [url, field] of [
    ['/v1/plan?days=x', 'days'],
    ['/v1/plan?days=', 'days'],
    ['/v1/plan?days=-1', 'days'],
    ['/v1/plan?days=1e3', 'days'],
    ['/v1/plan?days=3661', 'days'],
    ['/v1/plan?days=1&days=2', 'days'],
    ['/v1/plan?weeks=1', 'weeks'],
    ['/v1/audit?after=99999999999999999999', 'after'],
    ['/v1/audit?limit=0', 'limit'],
    ['/v1/rotations?limit=501', 'limit'],
    ['/v1/rotations?material=../x', 'material'],
    ['/v1/rotations?cursor=A%20B', 'cursor'],
    ['/v1/rotations/abc123?wait=2', 'wait'],
  ] as const) {
    it(`refuses ${url}`, async () => {
      assertProblem(await scratch.app.inject(url), 400, field)
      assert.deepEqual(scratch.fake.calls, [])
    })
  }

  it('finds no material whose name cannot be one', async () => {
    for (const name of [
      '..%2f..%2fetc%2fpasswd',
      'KEY',
      'key%00',
      'k%C3%A9y',
      '-key',
      '__proto__',
      'x'.repeat(64),
    ]) {
      assertProblem(await scratch.app.inject(`/v1/materials/${name}`), 404, 'name')
      assertProblem(await post(`/v1/materials/${name}/rotate`, {}), 404, 'name')
    }
    assertProblem(await scratch.app.inject(`/v1/materials/${'x'.repeat(5_000)}`), 400)
    assertProblem(await scratch.app.inject('/v1/materials/%zz'), 400)
    assert.deepEqual(scratch.fake.calls, [])
  })

  it('knows no other method and no other address', async () => {
    const methods: Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']
    for (const path of [...Object.keys(reads), ...Object.keys(writes), '/v1', '/v1/secrets']) {
      const known = path in reads ? 'GET' : path in writes ? 'POST' : undefined
      for (const method of methods.filter((method) => method !== known)) {
        const answer = await scratch.app.inject({ method, url: path })
        assert.equal(answer.statusCode, 404, `${method} ${path}`)
        assert.match(String(answer.headers['content-type']), /problem/)
      }
    }
    assert.deepEqual(scratch.fake.calls, [])
  })

  it('answers an operator error with its status, kind and hint', async () => {
    for (const [kind, { http }] of Object.entries(errorCodes)) {
      scratch.fake.answers.approve = () => {
        throw new OperatorError('no', { kind: kind as ErrorKind, hint: 'do this' })
      }
      const answer = await post('/v1/materials/key/approve', {})
      assertProblem(answer, http)
      const { detail, kind: told, hint } = answer.json<Record<string, string>>()
      assert.deepEqual({ detail, told, hint }, { detail: 'no', told: kind, hint: 'do this' })
    }
    assert.deepEqual(scratch.logged, [])
  })

  it('keeps what an unexpected error says to itself, and logs an id', async () => {
    const canary = 'CANARY-5f1c'
    scratch.fake.answers.status = () => {
      throw Object.assign(new Error(`near ${canary}`, { cause: canary }), {
        code: 'EODD',
        statusCode: 418,
        input: canary,
      })
    }
    for (const url of ['/v1/status', '/v1/materials', '/', '/readyz']) {
      const answer = await scratch.app.inject(url)
      assertProblem(answer, 500)
      assert.ok(!answer.body.includes(canary))
      const { id } = answer.json<{ id: string }>()
      assert.equal(scratch.logged.at(-1)?.fields['id'], id)
    }
    assert.equal(scratch.logged[0]?.fields['code'], 'EODD')
    assert.match(scratch.logged[0]?.fields['stack'] ?? '', /app\.test\.ts/)
    assert.ok(!JSON.stringify(scratch.logged).includes(canary))
  })

  it('never quotes a value of the request', async () => {
    const canary = 'CANARY-77aa'
    const answers = [
      await post('/v1/materials/key/rollback', { to: canary }),
      await post('/v1/materials/key/compromise', { on_failure: canary }),
      await post('/v1/materials/key/pause', { reason: `${canary}\n` }),
      await post('/v1/materials/key/pause', `{"reason": ${canary}}`),
      await post('/v1/materials/key/reveal', { out: canary }),
      await scratch.app.inject(`/v1/plan?days=${canary}`),
      await scratch.app.inject(`/v1/materials/${canary}`),
      await scratch.app.inject(`/v1/${canary}`),
      await scratch.app.inject(`/v1/${canary}%zz`),
    ]
    for (const { body } of answers) assert.ok(!body.includes(canary), body)
  })

  it('calls the caller by the name it gives, and a nameless one socket', async () => {
    await post('/v1/materials/key/approve', { why: 'checked' }, { 'x-rekeyd-caller': 'alice' })
    await post('/v1/materials/key/approve', {})
    assert.deepEqual(scratch.fake.calls, [
      ['approve', 'key', { who: 'cli:alice', why: 'checked' }],
      ['approve', 'key', { who: 'socket' }],
    ])
    for (const name of ['', 'a b', 'x'.repeat(65), 'é', 'a,b', 'api:root']) {
      assertProblem(await post('/v1/materials/key/approve', {}, { 'x-rekeyd-caller': name }), 400)
    }
    assert.equal(scratch.fake.calls.length, 2)
  })

  it('shows materials with the same words as status', async () => {
    const answer = await scratch.app.inject('/v1/materials')
    assert.deepEqual(answer.json(), { schema_version: 1, materials: [] })
  })

  it('starts a rotation, or only says what it would do', async () => {
    const answer = await post('/v1/materials/key/rotate', { now: true })
    assert.equal(answer.statusCode, 202)
    assert.equal(answer.headers['location'], '/v1/rotations/abc123')
    assert.deepEqual(answer.json(), { schema_version: 1, id: 'abc123' })
    assert.equal((await post('/v1/materials/key/rotate', { dry_run: true })).statusCode, 200)
    assert.deepEqual(scratch.fake.calls, [
      ['startRotation', 'key', { now: true }, { who: 'socket' }],
      ['dryRun', 'key', {}],
    ])
  })

  it('answers with the steps of a rehearsal, and with what the doctor found', async () => {
    const rehearsed = await post('/v1/materials/key/rotate', { rehearse: true })
    const examined = await post('/v1/doctor', {})
    assert.deepEqual([rehearsed.statusCode, examined.statusCode], [200, 200])
    assert.deepEqual(scratch.fake.calls, [['rehearse', 'key', { who: 'socket' }], ['doctor']])
  })

  it('starts a rotation once for one Idempotency-Key', async () => {
    const again = (body: object, key = 'k-1', name = 'key') =>
      post(`/v1/materials/${name}/rotate`, body, { 'idempotency-key': key })
    const answers = await Promise.all([again({}), again({}), again({})])
    assert.deepEqual(
      answers.map(({ statusCode, body }) => [statusCode, body]),
      Array.from({ length: 3 }, () => [202, '{"schema_version":1,"id":"abc123"}']),
    )
    assert.equal(scratch.fake.calls.length, 1)
    assertProblem(await again({ now: true }), 422)
    assertProblem(await again({}, 'k-1', 'other'), 422)
    assertProblem(await again({}, 'a b'), 400)
    assert.equal((await again({}, 'k-2')).statusCode, 202)
    assert.equal(scratch.fake.calls.length, 2)
  })

  it('survives whatever is sent', async () => {
    const urls = fc.oneof(
      fc.constantFrom(...Object.keys(reads), ...Object.keys(writes)),
      fc.webPath().map((path) => `/v1${path}`),
    )
    const method = fc.constantFrom<Method>('GET', 'POST', 'PUT', 'DELETE')
    await fc.assert(
      fc.asyncProperty(method, urls, fc.json(), async (method, url, payload) => {
        const headers = { 'content-type': 'application/json' }
        const answer = await scratch.app.inject({ method, url, headers, payload })
        assert.ok(answer.statusCode < 500, `${method} ${url} ${payload}: ${answer.body}`)
      }),
      { numRuns: 300 },
    )
  })
})
