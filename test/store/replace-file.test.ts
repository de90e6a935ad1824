import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { replaceFile } from '../../src/store/replace-file.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { ScratchStore } from './scratch-store.ts'

describe('a plain file of the store that is replaced', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-replace-'))
    path = join(folder, 'marker')
    replaceFile(path, 'old')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is written beside, synced, renamed, and its folder synced, in this order', async () => {
    using disk = await RecordedDisk.record()
    replaceFile(path, 'new')
    assert.deepEqual(disk.log, [
      'create marker.new 600',
      'write marker.new',
      'sync marker.new',
      'rename marker.new marker',
      `sync ${basename(folder)}`,
    ])
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  for (const effect of ['write marker.new', 'sync marker.new', 'rename marker.new marker']) {
    it(`stays as it was, with nothing beside it, when the disk fails to ${effect}`, async () => {
      using disk = await RecordedDisk.record()
      disk.fail(effect)
      assert.throws(() => replaceFile(path, 'new'), { code: 'EIO' })
      assert.equal(readFileSync(path, 'utf8'), 'old')
      assert.deepEqual(readdirSync(folder), ['marker'])
    })
  }
})

describe('a new store', () => {
  let scratch: ScratchStore
  beforeEach(() => {
    scratch = new ScratchStore()
  })
  afterEach(() => scratch.dispose())

  it('is filled before its keys are there, and gets its name, durably, after them', async () => {
    using disk = await RecordedDisk.record()
    const staged = `${scratch.database}.new`
    let isFilled = false
    disk.before = (effect) => {
      if (effect !== 'write store.keys.new') return
      isFilled = statSync(staged).size > 0 && !existsSync(`${staged}-wal`)
    }
    const store = await scratch.create()
    store.close()
    assert.ok(isFilled)
    const keys = disk.log.indexOf('rename store.keys.new store.keys')
    const name = disk.log.indexOf('rename store.db.new store.db')
    assert.ok(keys >= 0 && keys < name, disk.log.join('\n'))
    assert.equal(disk.log[name + 1], `sync ${basename(scratch.options.stateDir)}`)
  })
})
