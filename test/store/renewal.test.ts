import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { openDatabase } from '../../src/store/database.ts'
import { derive } from '../../src/store/derived-keys.ts'
import { askRenewal, nextKeys, openKeyFile, wrapAlso } from '../../src/store/key-file.ts'
import { sealedColumns } from '../../src/store/reseal.ts'
import { unseal } from '../../src/store/seal.ts'
import type { Store } from '../../src/store/store.ts'
import { createStoreKeyFile, readStoreKey } from '../../src/store/store-key.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { genuineOpens } from '../support/databases.ts'
import { needs } from '../support/parts.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

const held = SecretBytes.fromText('what was there')

describe('a store whose keys are made anew', () => {
  let scratch: ScratchStore
  let stateDir: string
  const wrapper = () => readStoreKey(scratch.options.storeKey)
  const keysNow = () => openKeyFile(stateDir, wrapper())
  const keyFile = () => join(stateDir, 'store.keys')
  beforeEach(async () => {
    scratch = new ScratchStore()
    stateDir = scratch.options.stateDir
    const store = await scratch.create()
    fill(store)
    store.close()
  })
  afterEach(() => scratch.dispose())

  it('holds everything that it held, and its open rotation', async () => {
    askRenewal(stateDir)
    const store = await scratch.open()
    assert.equal(store.renewalDue, false)
    assert.equal(store.restored, false)
    checkContent(store)
  })

  it('opens with none of the keys it had, and gives nothing to them', async () => {
    const [before, fileBefore] = [await keysNow(), readFileSync(keyFile())]
    askRenewal(stateDir)
    ;(await scratch.open()).close()
    const after = await keysNow()
    assert.equal(after.store, before.store)
    assert.ok(!after.databaseKey.equals(before.databaseKey))
    const key = (bytes: Buffer) => ({ key: { form: 'raw', bytes } }) as const
    assert.equal(genuineOpens(scratch.database, key(before.databaseKey.bytes)), false)
    assert.equal(genuineOpens(scratch.database, key(after.databaseKey.bytes)), true)
    const db = await openDatabase(scratch.database, after.databaseKey)
    const sealed = db.prepare(`SELECT sealed FROM secrets WHERE material = 'vapid'`).pluck().get()
    db.close()
    const place = ['version', 'vapid', 1] as const
    assert.equal(unseal(derive(before, 'seal'), sealed as Buffer, place), undefined)
    assert.ok(unseal(derive(after, 'seal'), sealed as Buffer, place))
    assert.notDeepEqual(readFileSync(keyFile()), fileBefore)
    assert.equal(existsSync(`${scratch.database}.renewed`), false)
  })

  it('keeps its audit log, which heads that were exported before still fit', async () => {
    let exported = { seq: 0, hash: '' }
    for (let round = 0; round < 3; round += 1) {
      askRenewal(stateDir)
      const store = await scratch.open()
      const verdict = store.audit.verify(round > 0 ? exported : undefined)
      assert.equal(verdict.ok, true, `round ${round}`)
      exported = store.audit.head()
      store.close()
    }
    const db = await openDatabase(scratch.database, (await keysNow()).databaseKey)
    db.prepare(`UPDATE audit SET who = 'mallory' WHERE seq = 2`).run()
    db.close()
    const store = await scratch.open()
    assert.deepEqual(store.audit.verify(), { ok: false, brokenAt: 2 })
    const renewals = store.audit.list(0, 99).filter(({ action }) => action === 'store.renew')
    assert.equal(renewals.length, 3)
  })

  it('seals every sealed column of the schema anew', async () => {
    const db = await openDatabase(scratch.database, (await keysNow()).databaseKey)
    const columns = db
      .prepare(
        `SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.type = 'BLOB' AND m.name <> 'reserve' ORDER BY 1`,
      )
      .pluck()
      .all()
    db.close()
    const known = sealedColumns.map(({ table, column }) => `${table}.${column}`).toSorted()
    assert.deepEqual(columns, known)
  })

  it('takes its place, durably, between the two writes of its keys', async () => {
    askRenewal(stateDir)
    using disk = await RecordedDisk.record()
    await scratch.open()
    const effects = disk.log.filter((effect) =>
      /^(rename store\.(db|keys)|sync state)/.test(effect),
    )
    assert.deepEqual(effects.slice(0, 6), [
      'rename store.keys.new store.keys',
      'sync state',
      'rename store.db.renewed store.db',
      'sync state',
      'rename store.keys.new store.keys',
      'sync state',
    ])
  })

  it('goes on with the same new keys when it was killed before the switch', async () => {
    askRenewal(stateDir)
    const next = await nextKeys(stateDir, wrapper())
    writeFileSync(`${scratch.database}.renewed`, 'half of it')
    writeFileSync(`${scratch.database}.renewed-wal`, 'and of its log')
    checkContent(await scratch.open())
    assert.ok((await keysNow()).databaseKey.equals(next.databaseKey))
  })

  it('finds the database renewed when it was killed after the switch', async () => {
    askRenewal(stateDir)
    await nextKeys(stateDir, wrapper())
    const between = readFileSync(keyFile())
    ;(await scratch.open()).close()
    writeFileSync(keyFile(), between)
    const store = await scratch.open()
    checkContent(store)
    assert.equal(store.renewalDue, false)
  })

  it('takes in what only the write-ahead log has', async () => {
    // A copy of a running store is one after kill -9.
    const store = await scratch.open()
    store.keys.put(newVersion('late', 'only in the log'), 'active', alice)
    const other = new ScratchStore()
    execFileSync('cp', ['-a', '--', `${scratch.folder}/.`, other.folder])
    store.close()
    try {
      askRenewal(other.options.stateDir)
      const renewed = await other.open()
      checkContent(renewed)
      const { private_key } = renewed.keys.secret('late', 1)
      assert.equal(private_key?.bytes.toString(), 'only in the log')
      assert.equal(renewed.restored, false)
    } finally {
      other.dispose()
    }
  })

  it('is not renewed under the store key that is being replaced', async () => {
    const file = join(scratch.folder, 'next.key')
    createStoreKeyFile(file)
    await wrapAlso(stateDir, wrapper(), readStoreKey({ file }))
    askRenewal(stateDir)
    const old = await scratch.open()
    assert.equal(old.renewalDue, true)
    old.close()
    const store = await scratch.open({ storeKey: { file } })
    assert.equal(store.renewalDue, false)
    checkContent(store)
    store.close()
    await assert.rejects(scratch.open(), { kind: 'config' })
  })
})

describe('a store whose keys cannot be made anew, for its disk is full', needs('mount'), () => {
  it('opens as it is, and is renewed when there is room', async () => {
    const disk = mkdtempSync(join(tmpdir(), 'rekeyd-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16M', 'rekeyd-test', disk])
    try {
      const scratch = new ScratchStore(disk)
      const store = await scratch.create()
      fill(store)
      store.close()
      askRenewal(scratch.options.stateDir)
      const ballast = join(disk, 'ballast')
      assert.throws(
        () => {
          for (;;) appendFileSync(ballast, Buffer.alloc(4_096))
        },
        { code: 'ENOSPC' },
      )
      await assert.rejects(scratch.open(), { kind: 'failed', message: /no space left/ })
      truncateSync(ballast, statSync(ballast).size - 100_000)
      const full = await scratch.open()
      assert.equal(full.renewalDue, true)
      checkContent(full)
      full.close()
      rmSync(ballast)
      const renewed = await scratch.open()
      assert.equal(renewed.renewalDue, false)
      checkContent(renewed)
      renewed.close()
    } finally {
      execFileSync('umount', ['-l', disk])
      rmSync(disk, { recursive: true })
    }
  })
})

/** Something in every table that holds something sealed. */
function fill(store: Store): void {
  store.keys.put(newVersion('vapid', 'kept'), 'active', alice)
  store.keys.setRequest('tls', newVersion('tls', 'asked for').parts, alice)
  const members = [{ material: 'token', make: newVersion('token', 'on its way') }]
  const { rotation } = store.journal.begin({ trigger: 'manual', actor: alice, members, now: 1 })
  store.journal.hold(rotation.id, [{ material: 'token', target: 0, place: '/etc/token', held }])
}

function checkContent({ keys, journal, audit }: Store): void {
  const text = (parts: Readonly<Record<string, SecretBytes>> | undefined) =>
    parts?.['private_key']?.bytes.toString()
  assert.equal(text(keys.secret('vapid', 1)), 'kept')
  assert.equal(text(keys.secret('token', 1)), 'on its way')
  assert.equal(text(keys.request('tls')), 'asked for')
  const [open] = journal.unfinished()
  assert.ok(open?.held[0]?.held.equals(held))
  assert.equal(
    keys.fingerprint(newVersion('vapid', 'kept').parts),
    keys.active('vapid')?.fingerprint,
  )
  assert.equal(audit.verify().ok, true)
}
