import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { putInPlace, settleSideFiles } from '../../src/sqlcipher/side-files.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { needs } from '../support/parts.ts'

describe('a copy that takes the place of a database', () => {
  let folder: string
  let path: string
  let copy: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-place-'))
    path = join(folder, 'live.db')
    copy = join(folder, 'copy.db')
    writeFileSync(path, 'old', { mode: 0o640 })
    writeFileSync(copy, 'new', { mode: 0o600 })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is synced with its folder before the switch, and the folder after it', async () => {
    using disk = await RecordedDisk.record()
    putInPlace(copy, path, statSync(path), () => void disk.log.push('asked'))
    assert.deepEqual(disk.log, [
      'sync copy.db',
      `sync ${basename(folder)}`,
      'asked',
      'rename copy.db live.db',
      `sync ${basename(folder)}`,
    ])
    assert.equal(readFileSync(path, 'utf8'), 'new')
    assert.equal(statSync(path).mode & 0o777, 0o640)
  })

  it('leaves everything as it was when nobody waits for it any more', () => {
    const gone = () => {
      throw new Error('gone')
    }
    assert.throws(() => putInPlace(copy, path, statSync(path), gone), /gone/)
    assert.equal(readFileSync(path, 'utf8'), 'old')
  })

  for (const [words, suffix, problem] of [
    ['a hot journal', '-journal', /hot journal/],
    ['a log with transactions', '-wal', /holds transactions/],
  ] as const) {
    it(`finds nothing removed beside it where there is ${words}`, () => {
      writeFileSync(path + suffix, 'something')
      assert.throws(() => settleSideFiles(path), problem)
      assert.equal(readFileSync(path + suffix, 'utf8'), 'something')
    })
  }

  it('belongs to whom the old file belonged', needs('root'), () => {
    const like = Object.assign(statSync(path), { uid: 1, gid: 2 })
    putInPlace(copy, path, like, () => {})
    const { uid, gid } = statSync(path)
    assert.deepEqual([uid, gid], [1, 2])
  })
})
