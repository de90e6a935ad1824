import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { impactCounter } from '../../src/impact/impact-counter.ts'
import { impactOption } from '../../src/impact/impact-options.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { buildDatabase, newKey, openGenuine, startWriter } from '../support/databases.ts'
import { testEdition } from '../support/test-edition.ts'

const key = newKey('passphrase')
const editionOf = async (material: string) =>
  material === 'db-key' ? testEdition(1, key.bytes.toString()) : undefined

/** A counter as the config describes it. */
function counter(count: object, clock = new HurryingClock(), limit = 60_000) {
  const impact = impactOption.parse({
    says: 'Everybody must register again.',
    count,
    unit: 'users',
  })
  assert.ok(typeof impact === 'object')
  return impactCounter(impact, editionOf, clock, limit)
}

const ask = (count: object) => counter(count)()

async function problem(count: object): Promise<string> {
  const { unit, count: number, problem: why = '' } = await ask(count)
  assert.deepEqual([unit, number], ['users', undefined])
  return why
}

describe('counting rows of a database', () => {
  let folder: string
  let path: string
  const rows = (more: object = {}) => ({
    sqlite: { path, db_key: { material: 'db-key' }, table: 'messages', ...more },
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-count-'))
    path = join(folder, 'qpc.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  for (const journalMode of ['wal', 'delete'] as const) {
    it(`counts while the consumer has it open, and changes nothing: ${journalMode}`, async () => {
      buildDatabase(path, { key, journalMode, rows: 57 })
      const writer = await startWriter(path, { key }, 'SELECT count(*) FROM messages')
      const file = await readFile(path)
      assert.deepEqual(await ask(rows()), { unit: 'users', count: 57 })
      const settings = rows({ table: 'settings', where: { name: 'limit' } })
      assert.deepEqual(await ask(settings), { unit: 'users', count: 1 })
      assert.deepEqual(await readFile(path), file)
      await writer.end()
      openGenuine(path, { key }).close()
    })
  }

  it('counts in one that is not encrypted, also nothing', async () => {
    buildDatabase(path, { rows: 20 })
    const plain = { path, table: 'settings', where: { name: `x' OR 1=1 --` } }
    assert.deepEqual(await ask({ sqlite: plain }), { unit: 'users', count: 0 })
  })

  it('says why it could not count', async () => {
    assert.match(await problem(rows()), /qpc\.db/)
    buildDatabase(path, { key, rows: 20 })
    assert.match(await problem(rows({ table: 'users' })), /no table users/)
    assert.match(await problem(rows({ where: { nme: 1 } })), /no column nme/)
    assert.match(await problem(rows({ db_key: { material: 'other' } })), /there is no other yet/)
    const plain = await problem(rows({ db_key: undefined }))
    assert.match(plain, /qpc\.db/)
    assert.doesNotMatch(plain, new RegExp(key.bytes.toString()))
  })
})

describe('counting by asking a web server', () => {
  let server: Server
  let url: string
  before(async () => {
    server = createServer((request, response) => {
      const answers: Record<string, string> = {
        '/ok': '{"push":{"subscriptions":31}}',
        '/text': '{"push":{"subscriptions":"31"}}',
        '/below': '{"push":{"subscriptions":-1}}',
      }
      if (request.url === '/hangs') return
      const answer = answers[request.url ?? '']
      response.writeHead(answer === undefined ? 503 : 200).end(answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const at = (path: string) => ({ http: url + path, pointer: '/push/subscriptions' })

  it('takes the number at the pointer, and nothing else for one', async () => {
    assert.deepEqual(await ask(at('/ok')), { unit: 'users', count: 31 })
    assert.match(await problem(at('/text')), /no number at \/push\/subscriptions/)
    assert.match(await problem(at('/below')), /no number/)
    assert.match(await problem(at('/down')), /answers 503/)
  })

  it('waits no longer than its limit', async () => {
    const hurried = counter(at('/hangs'), undefined, 100)
    assert.deepEqual(await hurried(), { unit: 'users', problem: 'no answer within 100ms' })
  })
})

describe('counting by a program', () => {
  const shell = (script: string) => ({ command: ['/bin/sh', '-c', script] })

  it('takes the number that it prints', async () => {
    assert.deepEqual(await ask(shell('echo 412')), { unit: 'users', count: 412 })
    assert.match(await problem(shell('echo many')), /\/bin\/sh prints no number/)
    assert.match(await problem(shell('echo 412; exit 1')), /prints no number/)
    assert.match(await problem(shell('exit 75')), /could not tell/)
    assert.match(await problem({ command: ['/nowhere'] }), /does not exist/)
  })

  it('is not asked again within ten seconds, nor twice at the same time', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-count-'))
    const clock = new HurryingClock()
    const once = counter(shell(`echo >> ${folder}/asked; wc -l < ${folder}/asked`), clock)
    const numbers = async () => (await Promise.all([once(), once()])).map(({ count }) => count)
    assert.deepEqual(await numbers(), [1, 1])
    clock.pass(9_999)
    assert.deepEqual(await numbers(), [1, 1])
    clock.pass(1)
    assert.deepEqual(await numbers(), [2, 2])
    await rm(folder, { recursive: true })
  })
})
