import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { scratchApp } from '../scratch-app.ts'
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
  tellTokenChange: [[204, { body: { done: 'add', name: 'grafana', scope: 'read' } }]],
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
  apply: [[200]],
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
const begin = async () => {
  scratch = await ScratchContract.create()
}
const end = () => scratch.dispose()

/** What has to be so before an operation has anything to do. */
async function prepare(operationId: string): Promise<void> {
  const { live } = scratch
  if (operationId === 'endOverlap') await live.startRotation('fading', {}, { who: 'cli:alice' })
  if (operationId === 'import') await writeFile(file(scratch), 'a value of its own')
  if (operationId === 'apply') scratch.scratch.scratch.world.places.set('/key', 'something else')
  if (operationId === 'getRotation') {
    const how = { doing: 're-encrypting', done: 1, total: 2, unit: 'bytes' } as const
    const step = { step: 'stage', material: 'key', place: '/key', ...how } as const
    scratch.scratch.progress.set(scratch.rotation, step)
  }
  if (operationId === 'listAuditRows') scratch.scratch.planner.approve('key', 'cli:alice')
  await scratch.settled()
}

describe('what the API answers', () => {
  before(begin)
  after(end)

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

function isAsset(operationId: string): boolean {
  return operationId.startsWith('load')
}

function isOfBrowser(operationId: string): boolean {
  return operationId === 'signIn' || operationId === 'signOut'
}
