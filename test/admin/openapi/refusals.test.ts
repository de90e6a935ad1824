import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Operation } from './contract.ts'
import { type Ask, ScratchContract } from './scratch-contract.ts'

let scratch: ScratchContract
const begin = async () => {
  scratch = await ScratchContract.create()
}
const end = () => scratch.dispose()

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
    return scratch.as('read', { body: 'token=rekeyd_unknown' })
  },
}

/** What an operation needs to get as far as the parts. */
const bodies: Readonly<Record<string, object>> = {
  pause: { reason: 'holidays' },
  pauseAll: { reason: 'holidays' },
  tellTokenChange: { done: 'revoke', name: 'grafana' },
  import: { parts: [{ part: 'value', path: '/nothing' }] },
  reveal: { out: '/nothing/here' },
}

/** Whether a refusal can be brought about at all by who may ask. */
function isReachable(status: number, method: string, { operationId }: Operation): boolean {
  if (status === 403) return method === 'post'
  if (status === 500) return !unbreakable.test(operationId) && !operationId.startsWith('load')
  return true
}
const unbreakable = /^(?:describe|getHealth|followEvents|signIn|signOut)$/

/** Asks every operation that can refuse so: a browser gets a page. */
async function assertRefused(status: number): Promise<void> {
  let asked = 0
  for (const { path, method, operation } of scratch.operations) {
    if (!(status in operation.responses) || !isReachable(status, method, operation)) continue
    const door = doorOf(status, operation)
    const ask = door && (await refusals[status]?.(operation))
    if (!ask) continue
    const patience = status === 429 ? 'none' : 'usual'
    if (status === 429) await scratch.exhaust()
    for (const accept of ['application/json', 'text/html']) {
      const headers = { ...ask.headers, accept }
      // Whoever comes for the sign-in without a token has guessed nothing.
      const came = status === 429 && accept === 'text/html' && operation.operationId !== 'signIn'
      const told = await scratch.ask(door, path, method, { ...ask, headers }, patience)
      assert.equal(told, came ? 401 : status, `${operation.operationId} ${accept}`)
    }
    asked += 1
  }
  assert.ok(asked > 3, `${asked} operations`)
}

/** Where an operation is there to refuse. */
function doorOf(status: number, operation: Operation): 'tcp' | 'socket' | undefined {
  if (!operation['x-socket-only'] || [401, 403].includes(status)) return 'tcp'
  return [429, 503].includes(status) ? undefined : 'socket'
}

describe('what the API refuses', () => {
  before(begin)
  after(end)

  for (const status of [400, 401, 403, 404, 413, 415, 421, 429]) {
    it(`is what the document says of ${status}`, () => assertRefused(status))
  }

  it('is documented for a token that allows less', async () => {
    for (const { path, method, operation } of scratch.operations) {
      const [needed = 'none'] = operation.security[0]?.token ?? []
      if (needed === 'none' || needed === 'read') continue
      assert.equal(await scratch.ask('tcp', path, method, scratch.as('read')), 403)
    }
  })

  it('is documented where policy is against it', async () => {
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

describe('an API that is broken', () => {
  beforeEach(begin)
  afterEach(end)

  for (const status of [500, 503]) {
    it(`answers ${status} as the document says`, () => assertRefused(status))
  }
})

function isFormOf({ content }: NonNullable<Operation['requestBody']>): boolean {
  return 'application/x-www-form-urlencoded' in content
}
