import assert from 'node:assert/strict'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { scratchApp } from '../scratch-app.ts'
import type { Operation } from './contract.ts'
import { type Ask, ScratchContract } from './scratch-contract.ts'

type Row = readonly [status: number, ask?: Ask | ((scratch: ScratchContract) => Ask)]

const file = (scratch: ScratchContract) => join(scratch.folder, 'value')
const importing = (scratch: ScratchContract) => ({
  body: { parts: [{ part: 'value', path: file(scratch) }], accept_impact: 'key' },
})

/** What is answered when all is well, by operation: on real parts, whose material `key` has been rotated once. */
const successes: Readonly<Record<string, readonly Row[]>> = {
  describe: [[200]],
  getHealth: [[200]],
  getReadiness: [[200]],
  getMetrics: [[200]],
  getStatus: [[200]],
  getPlan: [[200, { query: '?days=5' }]],
  listAuditRows: [[200], [200, { query: '?after=2&limit=1' }]],
  makeBackup: [[200], [200, { body: { to: '/mnt/usb' } }]],
  rotateDue: [[200]],
  examine: [[200]],
  pauseAll: [[204, { body: { reason: 'holidays' } }]],
  resumeAll: [[204]],
  listMaterials: [[200]],
  getMaterial: [[200], [200, { name: 'shared' }]],
  rotate: [
    [200, { body: { dry_run: true } }],
    [200, { name: 'shared', body: { dry_run: true } }],
    [200, { body: { rehearse: true } }],
    [202, { headers: { 'idempotency-key': 'k-1' } }],
    [202, { name: 'fading', body: { reason: 'compromise', why: 'a leak' } }],
  ],
  pause: [[204, { body: { reason: 'holidays', until: '2099-01-01T00:00:00Z' } }]],
  resume: [[204]],
  approve: [[204]],
  rollback: [[200]],
  endOverlap: [[200, { name: 'fading' }]],
  compromise: [[200], [200, { body: { purge: true } }]],
  adopt: [[200]],
  apply: [[200], [204]],
  verify: [[200]],
  import: [
    [200, importing],
    [204, importing],
  ],
  reveal: [[200, (scratch) => ({ body: { out: join(scratch.folder, 'out') } })]],
  listRotations: [[200], [200, { query: '?material=key&limit=1' }]],
  getRotation: [[200], [200, { query: '?wait=1' }]],
  testNotices: [[200], [200, { body: { channel: 'ntfy' } }]],
  showOverview: [[200]],
  showMaterial: [[200]],
  showRotation: [[200]],
  signIn: [[303, ({ authorization }) => ({ body: authorization['read form'] })]],
  signOut: [[303]],
}

/** Not here: followed in a test of its own, and asked for with a kind of material that is not of memory. */
const elsewhere = new Set(['followEvents', 'requestCertificate'])

let scratch: ScratchContract
beforeEach(async () => {
  scratch = await ScratchContract.create()
})
afterEach(() => scratch.dispose())

/** What has to be so before an operation has anything to do. */
async function prepare(operationId: string): Promise<void> {
  const { live } = scratch
  if (operationId === 'endOverlap') await live.startRotation('fading', {}, { who: 'cli:alice' })
  if (operationId === 'import') await writeFile(file(scratch), 'a value of its own')
  if (operationId === 'apply') scratch.scratch.scratch.world.places.set('/key', 'something else')
  if (operationId === 'listAuditRows') scratch.scratch.planner.approve('key', 'cli:alice')
  await scratch.settled()
}

describe('what the API answers', () => {
  it('is asked for in every operation of the document', () => {
    const known = scratch.operations.map(({ operation }) => operation.operationId)
    const asked = [...Object.keys(successes), ...elsewhere, ...known.filter(isAsset)]
    assert.deepEqual(known.toSorted(), asked.toSorted())
  })

  for (const [operationId, rows] of Object.entries(successes)) {
    it(`is what the document says of ${operationId}, on either side`, async () => {
      await prepare(operationId)
      const { path, method, operation } = scratch.operationOf(operationId)
      for (const [index, [status, ask = {}]] of rows.entries()) {
        const asked = typeof ask === 'function' ? ask(scratch) : ask
        if (!isOfBrowser(operationId)) {
          assert.equal(await scratch.ask('socket', path, method, asked), status, `row ${index}`)
        }
        await scratch.settled()
      }
      const reads = method === 'get' || isOfBrowser(operationId)
      if (!reads || operation['x-socket-only']) return
      const [[status, ask = {}] = []] = rows
      const asked = typeof ask === 'function' ? ask(scratch) : (ask ?? {})
      assert.equal(await scratch.ask('tcp', path, method, scratch.as('admin', asked)), status)
    })
  }

  it('is what the document says of the parts of the status page', async () => {
    for (const { path, method, operation } of scratch.operations) {
      if (!isAsset(operation.operationId)) continue
      assert.equal(await scratch.ask('socket', path, method), 200)
      const { headers } = await scratch.socket.inject(path)
      const known = { headers: { 'if-none-match': String(headers['etag']) } }
      assert.equal(await scratch.ask('socket', path, method, known), 304)
    }
  })

  it('is a certificate request where a material has one', async () => {
    const { app, fake } = scratchApp()
    fake.answers.csr = () => '-----BEGIN CERTIFICATE REQUEST-----\n'
    const { operation } = scratch.operationOf('requestCertificate')
    const answer = await app.inject({ method: 'POST', url: '/v1/materials/key/csr' })
    await app.close()
    const { statusCode: status, headers, body } = answer
    scratch.contract.assertKept(operation, { status, headers, body })
    assert.equal(status, 200)
  })
})

/** How a documented refusal is brought about over TCP; undefined where it cannot be for this operation. */
const refusals: Readonly<Record<number, (operation: Operation) => Promise<Ask | undefined>>> = {
  400: async ({ requestBody }) => {
    if (!requestBody) return undefined
    return scratch.as('admin', { body: isFormOf(requestBody) ? 'extra=1' : { extra: 1 } })
  },
  401: async () => ({ body: 'token=rekeyd_unknown' }),
  403: async () => scratch.as('admin', { headers: { origin: 'https://evil.example.com' } }),
  404: async ({ operationId }) =>
    scratch.as('admin', { name: 'nothing', body: bodies[operationId] ?? {} }),
  413: async () => scratch.as('admin', { body: `{"why":"${'x'.repeat(70_000)}"}` }),
  415: async () => scratch.as('admin', { headers: { 'content-type': 'application/xml' } }),
  421: async () => ({ headers: { host: 'evil.example.com' } }),
  429: async () => ({ body: 'token=rekeyd_unknown' }),
  500: async ({ operationId }) => {
    scratch.breakDown()
    return scratch.as('admin', { body: bodies[operationId] ?? {} })
  },
  503: async () => {
    scratch.metrics.state = 'stalled'
    await rm(scratch.tokens)
    await writeFile(scratch.tokens, 'tokens: [', { mode: 0o600 })
    await chmod(scratch.tokens, 0o600)
    return scratch.as('read', { body: 'token=rekeyd_unknown' })
  },
}

/** What an operation needs to get as far as the parts. */
const bodies: Readonly<Record<string, object>> = {
  pause: { reason: 'holidays' },
  pauseAll: { reason: 'holidays' },
  import: { parts: [{ part: 'value', path: '/nothing' }] },
  reveal: { out: '/nothing/here' },
}

/** Whether a refusal can be brought about at all by who may ask. */
function isReachable(status: number, method: string, { operationId }: Operation): boolean {
  if (status === 403) return method === 'post'
  if (status === 500) return !unbreakable.test(operationId) && !isAsset(operationId)
  return true
}
const unbreakable = /^(?:describe|getHealth|followEvents|signIn|signOut)$/

describe('what the API refuses', () => {
  for (const status of Object.keys(refusals).map(Number)) {
    it(`is what the document says of ${status}, as a page for browsers`, async () => {
      let asked = 0
      for (const { path, method, operation } of scratch.operations) {
        if (!(status in operation.responses) || !isReachable(status, method, operation)) continue
        const door = operation['x-socket-only'] && ![401, 403].includes(status) ? 'socket' : 'tcp'
        if (door === 'socket' && ![400, 404, 413, 415, 421, 500].includes(status)) continue
        const ask = await refusals[status]?.(operation)
        if (!ask) continue
        const patience = status === 429 ? 'none' : 'usual'
        if (status === 429) await scratch.exhaust()
        for (const accept of ['application/json', 'text/html']) {
          const headers = { ...ask.headers, accept }
          // Whoever comes for the sign-in without a token has guessed nothing.
          const came =
            status === 429 && accept === 'text/html' && operation.operationId !== 'signIn'
          const told = await scratch.ask(door, path, method, { ...ask, headers }, patience)
          assert.equal(told, came ? 401 : status, `${operation.operationId} ${accept}`)
        }
        asked += 1
      }
      assert.ok(asked > 3, `${asked} operations`)
    })
  }

  it('is documented for a token that allows less', async () => {
    for (const { path, method, operation } of scratch.operations) {
      const [needed = 'none'] = operation.security[0]?.token ?? []
      if (needed === 'none' || needed === 'read') continue
      assert.equal(await scratch.ask('tcp', path, method, scratch.as('read')), 403)
    }
  })

  it('is documented where policy is against it', async () => {
    scratch.scratch.mode = 'observe'
    const refused = [
      ['rotate', { name: 'shared' }],
      ['rollback', { name: 'shared' }],
      ['endOverlap', {}],
      ['compromise', { name: 'shared' }],
      ['apply', { name: 'shared' }],
      ['requestCertificate', {}],
    ] as const
    for (const [operationId, ask] of refused) {
      const { path, method } = scratch.operationOf(operationId)
      assert.equal(await scratch.ask('socket', path, method, ask), 422, operationId)
    }
  })

  it('is documented while a rotation is under way', async () => {
    const gate = Promise.withResolvers<void>()
    scratch.scratch.held.gate = gate.promise
    try {
      const rotate = scratch.operationOf('rotate')
      assert.equal(await scratch.ask('socket', rotate.path, rotate.method), 202)
      for (const operationId of ['rotate', 'rollback', 'adopt', 'apply']) {
        const { path, method } = scratch.operationOf(operationId)
        assert.equal(await scratch.ask('socket', path, method), 409, operationId)
      }
      const { path, method } = scratch.operationOf('getMaterial')
      assert.equal(await scratch.ask('socket', path, method), 200)
    } finally {
      gate.resolve()
      await scratch.settled()
    }
  })
})

function isAsset(operationId: string): boolean {
  return operationId.startsWith('load')
}

function isOfBrowser(operationId: string): boolean {
  return operationId === 'signIn' || operationId === 'signOut'
}

function isFormOf({ content }: NonNullable<Operation['requestBody']>): boolean {
  return 'application/x-www-form-urlencoded' in content
}
