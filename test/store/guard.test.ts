import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { AuditLog } from '../../src/store/audit.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import { Guard, type GuardParts } from '../../src/store/guard.ts'
import { randomSecret } from '../../src/store/seal.ts'
import { FakeClock } from '../fakes/fake-clock.ts'

const alice = { who: 'cli:alice' }
const event = { action: 'test' }

describe('the guard of the store', () => {
  let folder: string
  let db: Database
  let audit: AuditLog
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-guard-'))
    db = await createDatabase(join(folder, 'store.db'), randomSecret(32))
    db.prepare(`INSERT INTO store VALUES (1, 'id', '', 1, 0, 0, x'')`).run()
    audit = new AuditLog(db, { present: createSecretKey(randomBytes(32)), former: [] })
  })
  afterEach(() => {
    db.close()
    rmSync(folder, { recursive: true })
  })

  const guard = (committed: GuardParts['committed'] = () => {}) =>
    new Guard({ db, audit, clock: new FakeClock(), epoch: 1, committed })
  const rows = () => audit.list(0, 99).length

  it('makes a change and its audit rows one transaction', () => {
    const left: number[] = []
    guard().change((record) => {
      record(alice, event)
      left.push(rows())
    })
    assert.deepEqual([...left, rows()], [1, 1])
    const failing = () =>
      guard().change((record) => {
        record(alice, event)
        throw new RangeError('no')
      })
    assert.throws(failing, /no/)
    assert.equal(rows(), 1)
  })

  it('tells of a change once it is durable, and of none that failed', () => {
    const told: boolean[] = []
    const watched = guard((committed) => {
      assert.equal(committed.length, 1)
      told.push(db.inTransaction)
    })
    watched.change((record) => record(alice, event))
    assert.deepEqual(told, [false])
    const failing = () =>
      watched.change((record) => {
        record(alice, event)
        throw new RangeError('no')
      })
    assert.throws(failing, /no/)
    assert.equal(told.length, 1)
  })

  it('writes nothing more after an error of the disk: nobody knows what reached it', () => {
    const broken = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_WRITE' })
    broken.name = 'SqliteError'
    const writer = guard()
    const failing = () =>
      writer.change(() => {
        throw broken
      })
    assert.throws(failing, { kind: 'needs-attention' })
    assert.throws(() => writer.change((record) => record(alice, event)), {
      kind: 'needs-attention',
    })
    assert.throws(() => writer.note(() => {}), { kind: 'needs-attention' })
    assert.equal(rows(), 0)
  })

  it('lets nobody write who was there before the last opening', () => {
    db.exec('UPDATE store SET epoch = 2')
    assert.throws(() => guard().change((record) => record(alice, event)), { kind: 'locked' })
    assert.throws(() => guard().note(() => {}), { kind: 'locked' })
    assert.equal(rows(), 0)
  })
})

describe('a database of the store', () => {
  it('leaves nothing of what it held in freed pages or on other disks, and trusts no schema', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-database-'))
    const db = await createDatabase(join(folder, 'store.db'), randomSecret(32))
    const settings = ['secure_delete', 'temp_store', 'trusted_schema', 'synchronous']
    const found = settings.map((name) => `${name} ${String(db.pragma(name, { simple: true }))}`)
    db.close()
    rmSync(folder, { recursive: true })
    const [memory, full] = [2, 2]
    assert.deepEqual(found, [
      'secure_delete 1',
      `temp_store ${memory}`,
      'trusted_schema 0',
      `synchronous ${full}`,
    ])
  })
})
