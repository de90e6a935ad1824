import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { makeKeys, openKeyText } from '../../src/store/key-file.ts'
import { checkCopy, type Placement, placeCopy } from '../../src/store/place-copy.ts'
import { copyStore, type StoreCopy } from '../../src/store/store-copy.ts'
import { wrapperOf } from '../../src/store/store-key.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

describe('a copy of a store', () => {
  let scratch: ScratchStore
  let copy: StoreCopy
  let placement: Placement
  beforeEach(async () => {
    scratch = new ScratchStore()
    const store = await scratch.create()
    store.keys.put(newVersion('vapid', 'kept'), 'active', alice)
    copy = await store.copy()
    store.close()
    placement = { ...scratch.options, compromised: [], replace: false, takeOver: false }
  })
  afterEach(() => scratch.dispose())

  it('is put nowhere else than where there is no store', async () => {
    await assert.rejects(placeCopy(copy, placement), { kind: 'refused', message: /exists already/ })
    rmSync(scratch.options.stateDir, { recursive: true })
    await placeCopy(copy, placement)
    const store = await scratch.open()
    assert.equal(store.keys.secret('vapid', 1)['private_key']?.bytes.toString(), 'kept')
    assert.equal(store.restored, true)
  })

  it('is read back before anybody is given it', async () => {
    const broken = {
      name: scratch.database,
      prepare: () => ({ run: (path: string) => writeFileSync(path, 'x'.repeat(8192)) }),
    } as unknown as Database
    await assert.rejects(copyStore(broken, makeKeys()), { kind: 'needs-attention' })
    assert.equal(existsSync(`${scratch.database}.copy`), false)
  })

  it('gets its keys first and its name last, durably', async () => {
    rmSync(scratch.options.stateDir, { recursive: true })
    using disk = await RecordedDisk.record()
    await placeCopy(copy, placement)
    assert.deepEqual(disk.log.slice(-4), [
      'rename store.keys.new store.keys',
      'sync state',
      'rename store.db.new store.db',
      'sync state',
    ])
  })

  it('stays restored until that is settled, also where the marker is of the same row', async () => {
    await placeCopy(copy, { ...placement, replace: true })
    for (const settled of [false, true]) {
      const store = await scratch.open()
      assert.equal(store.restored, true)
      if (settled) store.settle(alice)
      store.close()
    }
    assert.equal((await scratch.open()).restored, false)
  })

  it('of another machine is put here only to take it over, and then is ours', async () => {
    rmSync(scratch.options.stateDir, { recursive: true })
    const there = { ...placement, machineId: 'there' }
    await assert.rejects(placeCopy(copy, there), {
      kind: 'needs-attention',
      message: /the backup belongs to another machine/,
    })
    assert.deepEqual(readdirSync(scratch.options.stateDir), [])
    const checked = await placeCopy(copy, { ...there, takeOver: true })
    assert.equal(checked.isElsewhere, true)
    await assert.rejects(scratch.open({ machineId: 'there' }), { message: /another machine/ })
    ;(await scratch.open({ machineId: 'there', takeOver: true })).close()
    assert.equal((await scratch.open({ machineId: 'there' })).restored, true)
  })

  it('is refused when its audit log does not fit, with nothing left behind', async () => {
    const path = `${scratch.folder}/tampered.db`
    const keys = await openKeyText(copy.keys, wrapperOf(copy.key))
    writeFileSync(path, copy.database)
    const db = await openDatabase(path, keys.databaseKey)
    db.exec(`UPDATE audit SET who = 'mallory' WHERE seq = 1`)
    db.close()
    const tampered = { ...copy, database: readFileSync(path) }
    const broken = { kind: 'needs-attention', message: /does not fit from row 1/ } as const
    await assert.rejects(checkCopy(scratch.folder, tampered, placement), broken)
    rmSync(scratch.options.stateDir, { recursive: true })
    await assert.rejects(placeCopy(tampered, placement), broken)
    assert.deepEqual(readdirSync(scratch.options.stateDir), [])
    assert.equal(existsSync(`${scratch.folder}/store.db.check`), false)
  })
})
