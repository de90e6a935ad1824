import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { MaterialView, RotationView } from '../../src/operations/views.ts'
import { contentOf, genuineOpens } from '../support/databases.ts'
import { DaemonProcess } from './daemon-process.ts'
import { freePort } from './free-port.ts'
import { preamble } from './scratch-rekeyd.ts'
import { openQuicprochat } from './stand-ins/quicprochat-database.ts'
import { endStandIn, startStandIn } from './stand-ins/started-process.ts'
import { systemdEnvironment } from './stand-ins/systemd-environment.ts'

const firstKey = 'the first key of the ledger'
const rows = 1_000

/**
 * How often each rotation is killed, spread over the changes that it makes: over files that come, go and are
 * switched, and (a copy of the database has hundreds of them) over every write.
 */
const kills = {
  token: { files: 7, writes: 0 },
  'db-key': { files: 6, writes: 3 },
} as const
type Name = keyof typeof kills
type Changes = 'files' | 'writes'

describe('a daemon killed with SIGKILL in the middle of a rotation', () => {
  let folder: string
  let port: number
  let daemon: DaemonProcess
  const path = (name: string) => join(folder, name)
  const text = (name: string) => readFileSync(path(name), 'utf8')
  const key = (text: string) => ({ key: { form: 'passphrase' as const, bytes: Buffer.from(text) } })
  const startDaemon = () =>
    DaemonProcess.start(path('rekeyd/rekeyd.yaml'), path('rekeyd/admin.sock'), path('daemon.log'))

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-crash-'))
    port = await freePort('tcp')
    for (const name of ['etc', 'data', 'rekeyd', 'out']) mkdirSync(path(name), 0o700)
    const token = 'the-first-token-of-the-ledger'
    writeFileSync(path('etc/token'), token, { mode: 0o600 })
    writeFileSync(path('etc/token.env'), `TOKEN=${token}\n`, { mode: 0o600 })
    writeFileSync(path('etc/db.env'), `DB_KEY="${firstKey}"\n`, { mode: 0o600 })
    const db = openQuicprochat(path('data/ledger.db'), firstKey)
    db.exec('CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)')
    db.exec('CREATE VIRTUAL TABLE search USING fts5 (body); PRAGMA user_version = 3')
    db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO entries (body) SELECT randomblob(1000) FROM n`)
    db.close()
    const start = [
      process.execPath,
      join(import.meta.dirname, 'stand-ins/ledger-server.ts'),
      folder,
      String(port),
    ]
    writeFileSync(path('rekeyd/rekeyd.yaml'), configFor(path, port, start), { mode: 0o600 })
    await startStandIn(start, path('server.pid'), path('server.log'))
    await createStoreFor(await loadConfig({ path: path('rekeyd/rekeyd.yaml'), now: Date.now() }))
    daemon = await startDaemon()
  })
  after(async () => {
    await daemon.stop()
    await endStandIn(path('server.pid'))
    rmSync(folder, { recursive: true })
  })

  /** Lets a rotation begin; resolves at its end, or as soon as it has made so many changes. */
  const rotateUntil = async (material: Name, changes: Changes, most: number) => {
    const enough = Promise.withResolvers<void>()
    const counted = { files: 0, writes: 0 }
    const count = (type: string) => {
      counted[type === 'rename' ? 'files' : 'writes'] += 1
      if (counted[changes] >= most) enough.resolve()
    }
    const watchers = ['etc', 'data', '.'].map((name) => watch(path(name), count))
    const rotation = daemon
      .ask<{ id: string }>('POST', `/v1/materials/${material}/rotate`, {})
      .then(({ id }) => daemon.ask<RotationView>('GET', `/v1/rotations/${id}?wait=1`))
    rotation.catch(() => {})
    await Promise.race([enough.promise, rotation])
    for (const watcher of watchers) watcher.close()
    return counted
  }

  const latest = async () => {
    type History = { readonly rotations: readonly RotationView[] }
    return (await daemon.ask<History>('GET', '/v1/rotations?limit=1')).rotations[0]
  }

  const reveal = async (material: string, version: number) => {
    const out = path(`out/${material}-${version}-${crypto.randomUUID()}`)
    await daemon.ask('POST', `/v1/materials/${material}/reveal`, { version, out })
    return readFileSync(out, 'utf8')
  }

  const ask = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return new Promise<{ rows?: number }>((resolve, reject) => {
      const question = get({ host: '127.0.0.1', port, headers, agent: false }, (answer) => {
        if (answer.statusCode === 200) json(answer).then((body) => resolve(body as object), reject)
        else answer.resume().once('end', () => resolve({}))
      })
      question.once('error', reject)
    })
  }

  const expectWhole = async () => {
    const shown = async (name: string) => daemon.ask<MaterialView>('GET', `/v1/materials/${name}`)
    const [token, dbKey] = [await shown('token'), await shown('db-key')]
    for (const { name, state, reason, drift, active, targets } of [token, dbKey]) {
      assert.ok(['idle', 'retrying', 'suspended'].includes(state), `${name} is ${state}: ${reason}`)
      assert.deepEqual(drift, [])
      for (const { live } of targets) assert.equal(live, `version ${active?.version}`)
    }
    const [tokenNow, keyNow] = await Promise.all([
      reveal('token', token.active?.version ?? 0),
      reveal('db-key', dbKey.active?.version ?? 0),
    ])
    assert.equal(text('etc/token'), tokenNow)
    assert.equal(systemdEnvironment(path('etc/token.env'))['TOKEN'], tokenNow)
    assert.equal(systemdEnvironment(path('etc/db.env'))['DB_KEY'], keyNow)
    assert.equal(genuineOpens(path('data/ledger.db'), key(keyNow)), true)
    assert.deepEqual(await ask(tokenNow), { rows })
    assert.deepEqual(await ask('another'), {})
    const files = ['etc', 'data'].flatMap((name) => readdirSync(path(name)))
    assert.deepEqual(files.toSorted(), [
      'db.env',
      'ledger.db',
      'ledger.db-shm',
      'ledger.db-wal',
      'token',
      'token.env',
    ])
    return { token: tokenNow, 'db-key': keyNow }
  }

  for (const material of ['token', 'db-key'] as const) {
    it(`finds ${material} wholly old or wholly new, whenever it is killed`, async (t) => {
      const all = await rotateUntil(material, 'files', Infinity)
      let held = await expectWhole()
      const content = () => contentOf(path('data/ledger.db'), key(held['db-key']))
      const before = content()
      const seen = { old: 0, new: 0, 'not begun': 0 }
      const moments = (['files', 'writes'] as const).flatMap((changes) => {
        const times = kills[material][changes]
        const share = (kill: number) => Math.ceil((all[changes] * (kill + 0.5)) / times)
        return Array.from({ length: times }, (_, kill) => ({ changes, at: share(kill) }))
      })
      for (const { changes, at } of moments) {
        const earlier = await latest()
        await rotateUntil(material, changes, at)
        await daemon.kill()
        daemon = await startDaemon()
        const now = await expectWhole()
        const rotation = await latest()
        const begun = rotation?.id !== earlier?.id
        const outcome = !begun ? 'not begun' : now[material] === held[material] ? 'old' : 'new'
        seen[outcome] += 1
        const steps = begun ? rotation?.steps.length : 0
        t.diagnostic(`killed at ${at} of ${all[changes]} ${changes}: ${outcome}, ${steps} steps`)
        if (outcome === 'new' && material === 'db-key') {
          assert.equal(genuineOpens(path('data/ledger.db'), key(held['db-key'])), false)
        }
        held = now
      }
      assert.deepEqual(content(), before)
      // Otherwise the moments were no good: all before anything happened, or all after.
      assert.ok(seen.old > 0 && seen.new > 0, JSON.stringify(seen))
    })
  }
})

function configFor(path: (name: string) => string, port: number, start: readonly string[]): string {
  return `${preamble(path('.'))}
consumers:
  ledger:
    process: { pid_file: ${path('server.pid')}, log: ${path('server.log')}, start: ${JSON.stringify(start)} }
    ready: [{ tcp: { connect: "127.0.0.1:${port}" } }]
    timeouts: { stop: 10s, start: 10s, ready: 10s }
    dwell: 1s
materials:
  token:
    kind: token
    rotate: { every: 90d }
    targets:
      - file: { path: ${path('etc/token')} }
      - env: { path: ${path('etc/token.env')}, key: TOKEN, dialect: systemd }
    consumers: [ledger]
    verify: [{ http: { url: "http://127.0.0.1:${port}/", bearer: true } }]
  db-key:
    kind: database-key
    rotate: { every: 365d }
    keep: 400d
    targets:
      - sqlcipher: { path: ${path('data/ledger.db')}, cipher: 4 }
      - env: { path: ${path('etc/db.env')}, key: DB_KEY, dialect: systemd }
    consumers: [ledger]
    verify: [{ sqlcipher: {} }]
`
}
