import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { openKeyFile } from '../../src/store/key-file.ts'
import { tryLock } from '../../src/store/lock.ts'
import type { Store } from '../../src/store/store.ts'
import { readStoreKey } from '../../src/store/store-key.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

const canary = 'canary-3f9a1c-do-not-leak'
const materials = ['vapid', 'token', 'db-key']

describe('a store that was changed from outside', () => {
  let scratch: ScratchStore
  let untouched: string
  beforeEach(() => {
    scratch = new ScratchStore()
    untouched = join(scratch.folder, 'untouched')
  })
  afterEach(() => scratch.dispose())

  /** Copies the state directory as it is, by a process of its own: here it would drop SQLite's locks. */
  function keepCopy(): void {
    execFileSync('cp', ['-r', scratch.options.stateDir, untouched])
  }

  function bringBack(): void {
    rmSync(scratch.options.stateDir, { recursive: true })
    cpSync(untouched, scratch.options.stateDir, { recursive: true })
  }

  /** What opening makes of it: refused, restored (something is known to be missing), or the same content. */
  async function outcome(expected: string): Promise<'refused' | 'restored' | 'same'> {
    let store: Store | undefined
    try {
      store = await scratch.open()
      if (store.restored) return 'restored'
      assert.equal(contentOf(store), expected)
      assert.equal(store.audit.verify().ok, true)
      return 'same'
    } catch (error) {
      assert.ok(error instanceof OperatorError, String(error))
      assert.equal(error.kind, 'needs-attention')
      return 'refused'
    } finally {
      store?.close()
    }
  }

  it('is refused for a flipped bit anywhere', async () => {
    const store = await scratch.create()
    fillVersions(store)
    const expected = contentOf(store)
    store.close()
    keepCopy()
    const size = statSync(scratch.database).size
    const outcomes = []
    for (let flip = 0; flip < 60; flip++) {
      bringBack()
      const bytes = readFileSync(scratch.database)
      const at = Math.floor((size / 60) * (flip + 0.5))
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (flip % 8))
      writeFileSync(scratch.database, bytes)
      outcomes.push(await outcome(expected))
    }
    assert.deepEqual(outcomes, Array(60).fill('refused'))
  })

  it('is refused when it was cut off anywhere', async () => {
    const store = await scratch.create()
    fill(store)
    const expected = contentOf(store)
    store.close()
    keepCopy()
    const size = statSync(scratch.database).size
    for (let cut = 0; cut < 24; cut++) {
      bringBack()
      const bytes = readFileSync(scratch.database)
      writeFileSync(scratch.database, bytes.subarray(0, Math.floor((size / 24) * cut)))
      assert.equal(await outcome(expected), 'refused', `cut at ${cut}/24`)
    }
  })

  it('is refused, and no new one is made of it, when hardly anything is left of it', async () => {
    const store = await scratch.create()
    fill(store)
    keepCopy()
    store.close()
    for (const length of [1, 100, 4_095]) {
      bringBack()
      const log = readFileSync(`${scratch.database}-wal`)
      writeFileSync(scratch.database, Buffer.alloc(length, 7))
      assert.equal(await outcome(''), 'refused')
      assert.equal(statSync(scratch.database).size, length)
      assert.deepEqual(readFileSync(`${scratch.database}-wal`), log, 'its log is gone')
    }
  })

  it('stays as it is when it is refused, also the log that a close would play back', async () => {
    const store = await scratch.create()
    fill(store)
    keepCopy()
    store.close()
    bringBack()
    const bytes = readFileSync(scratch.database).subarray(0, -4_096)
    writeFileSync(scratch.database, bytes.fill(7, 200, 300))
    const log = readFileSync(`${scratch.database}-wal`)
    assert.equal(await outcome(''), 'refused')
    assert.deepEqual(readFileSync(scratch.database), bytes)
    assert.deepEqual(readFileSync(`${scratch.database}-wal`), log)
  })

  it('never silently loses what only its log had', async () => {
    const store = await scratch.create()
    fill(store)
    const expected = contentOf(store)
    keepCopy()
    store.close()
    const log = `${scratch.database}-wal`
    const size = statSync(join(untouched, 'store.db-wal')).size
    const outcomes = new Set<string>()
    for (let flip = 0; flip < 24; flip++) {
      bringBack()
      const bytes = readFileSync(log)
      const at = Math.floor((size / 24) * (flip + 0.5))
      bytes[at] = (bytes[at] ?? 0) ^ 1
      writeFileSync(log, bytes)
      outcomes.add(await outcome(expected))
    }
    assert.ok(outcomes.has('restored'), [...outcomes].join(' '))
  })

  it('gives no secret whose ciphertext was moved to another row', async () => {
    const store = await scratch.create()
    fill(store)
    store.close()
    await withDatabase(scratch, (db) => {
      const sealed = (material: string, number: number) =>
        db
          .prepare('SELECT sealed FROM secrets WHERE material = ? AND number = ?')
          .pluck()
          .get(material, number)
      const update = db.prepare('UPDATE secrets SET sealed = ? WHERE material = ? AND number = ?')
      const [one, two, other] = [sealed('vapid', 1), sealed('vapid', 2), sealed('token', 1)]
      update.run(two, 'vapid', 1)
      update.run(other, 'vapid', 2)
      update.run(one, 'token', 1)
      db.exec('UPDATE held SET target = target + 1')
      db.exec(`UPDATE requests SET material = 'other'`)
    })
    const changed = await scratch.open()
    const broken = { kind: 'needs-attention', message: /seal of .* is broken/ }
    assert.throws(() => changed.keys.secret('vapid', 1), broken)
    assert.throws(() => changed.keys.secret('vapid', 2), broken)
    assert.throws(() => changed.keys.secret('token', 1), broken)
    assert.throws(() => changed.keys.request('other'), broken)
    assert.throws(() => changed.journal.unfinished(), broken)
    assert.equal(changed.keys.secret('db-key', 1)['private_key']?.bytes.toString(), canary)
  })

  it('has no secret, no name and no fingerprint in clear in any file, open or closed', async () => {
    const store = await scratch.create()
    const lock = await tryLock(scratch.options.stateDir, 1)
    fill(store)
    store.keys.change([{ material: 'vapid', number: 2, event: 'abandon' }], alice)
    store.keys.destroy('vapid', 2, alice)
    const fingerprint = store.keys.active('vapid')?.fingerprint.slice('hmac:'.length) ?? ''
    keepCopy()
    store.close()
    if (lock.held) lock.release()
    const needles = [canary, Buffer.from(canary).toString('base64').slice(0, -2)]
    needles.push(Buffer.from(canary).toString('hex'), fingerprint, 'db-key', 'cli:alice')
    const seen = new Set<string>()
    for (const folder of [untouched, scratch.options.stateDir]) {
      for (const name of readdirSync(folder)) {
        seen.add(name)
        const bytes = readFileSync(join(folder, name))
        for (const needle of needles) {
          assert.equal(bytes.includes(needle), false, `${needle} in ${name}`)
        }
      }
    }
    const files = ['lock.db', 'lock.json', 'store.db', 'store.db-shm', 'store.db-wal']
    assert.deepEqual([...seen].toSorted(), [...files, 'store.keys'].toSorted())
  })

  it('keeps nothing of a destroyed version but its row', async () => {
    const store = await scratch.create()
    fillVersions(store)
    store.keys.change([{ material: 'vapid', number: 2, event: 'abandon' }], alice)
    store.keys.destroy('vapid', 2, alice)
    store.close()
    await withDatabase(scratch, (db) => {
      const left = db.prepare(`SELECT number FROM secrets WHERE material = 'vapid'`).pluck().all()
      assert.deepEqual(left, [1])
    })
  })

  it('keeps nothing of what places held once their rotation has ended', async () => {
    const store = await scratch.create()
    fill(store)
    const [open] = store.journal.unfinished()
    assert.equal(open?.held.length, 1)
    store.journal.finish(open.rotation.id, {
      result: 'failed',
      versions: [],
      schedules: [],
      now: 2,
    })
    store.close()
    await withDatabase(scratch, (db) => {
      assert.equal(db.prepare('SELECT count(*) FROM held').pluck().get(), 0)
    })
  })

  it('leaves none of the pages of a destroyed version in its log', async () => {
    const store = await scratch.create()
    fillVersions(store)
    store.keys.change([{ material: 'vapid', number: 2, event: 'abandon' }], alice)
    // By a process of its own: here it would drop SQLite's locks.
    const log = () => execFileSync('cat', [`${scratch.database}-wal`], { maxBuffer: 1 << 26 })
    const before = framesOf(log())
    store.keys.destroy('vapid', 2, alice)
    const left = [...framesOf(log())].filter((frame) => before.has(frame))
    assert.ok(before.size > 0)
    assert.deepEqual(left, [])
    store.close()
  })

  it('opens for its owner with a genuine SQLCipher, and with the right key only', async () => {
    const store = await scratch.create()
    fill(store)
    store.close()
    const { databaseKey } = await openKeyFile(
      scratch.options.stateDir,
      readStoreKey(scratch.options.storeKey),
    )
    const key = databaseKey.bytes.toString('hex')
    assert.equal(countWithSqlCipher(scratch.database, key), 'materials 4')
    assert.match(countWithSqlCipher(scratch.database, key.replace(/^../, 'zz')), /not a database/)
  })
})

/** In a process of its own: a second SQLite in this one would drop the first one's locks. */
function countWithSqlCipher(path: string, key: string): string {
  const program = `
    const { Database } = require('@signalapp/sqlcipher')
    try {
      const db = new Database(process.argv[1])
      db.pragma('key = "x\\'' + process.argv[2] + '\\'"')
      const row = db.prepare('SELECT count(DISTINCT material) AS n FROM versions').get()
      console.log('materials ' + row.n)
    } catch (error) { console.log(error.message) }`
  const output = execFileSync(process.execPath, ['-e', program, path, key], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return output.trim()
}

/** The pages in a write-ahead log (SQLite file format §4.1), each encrypted in its own way. */
function framesOf(log: Buffer): ReadonlySet<string> {
  const [header, frameHeader, page] = [32, 24, 4096]
  const frames = new Set<string>()
  for (let at = header + frameHeader; at < log.length; at += frameHeader + page) {
    frames.add(log.toString('base64', at, at + page))
  }
  return frames
}

/** Changes rows as somebody would who has the database key but not the data key. */
async function withDatabase(scratch: ScratchStore, change: (db: Database) => void): Promise<void> {
  const { stateDir, storeKey } = scratch.options
  const { databaseKey } = await openKeyFile(stateDir, readStoreKey(storeKey))
  const db = await openDatabase(scratch.database, databaseKey)
  change(db)
  db.close()
}

function fill(store: Store): void {
  fillVersions(store)
  const members = [{ material: 'token', from: 1, make: newVersion('token', canary) }]
  const intent = { trigger: 'manual', actor: alice, members, now: 1 } as const
  const { id } = store.journal.begin(intent).rotation
  const held = SecretBytes.fromText(canary)
  store.journal.hold(id, [{ material: 'token', target: 0, place: '/etc/token', held }])
}

/** Leaves no page free. */
function fillVersions(store: Store): void {
  for (const material of materials) store.keys.put(newVersion(material, canary), 'active', alice)
  store.keys.put(newVersion('vapid', canary), 'prepared', alice)
  for (let i = 0; i < 8; i++)
    store.keys.put(newVersion('bulk', 'b'.repeat(5_000)), 'prepared', alice)
  store.keys.setRequest('tls', newVersion('tls', canary).parts, alice)
}

function contentOf({ keys, journal }: Store): string {
  const versions = keys.materials().flatMap((material) => keys.list(material))
  const secrets = versions
    .filter(({ state }) => state !== 'destroyed')
    .map(({ material, number }) => keys.secret(material, number)['private_key']?.bytes.toString())
  const held = journal
    .unfinished()
    .flatMap(({ held }) => held.map((each) => each.held.bytes.toString()))
  return JSON.stringify([versions, secrets, held, journal.history({ limit: 99 })])
}
