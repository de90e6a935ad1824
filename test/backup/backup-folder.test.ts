import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  compromisedBeside,
  listBackups,
  pruneBackups,
  writeBackup,
} from '../../src/backup/backup-folder.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'

const now = Date.parse('2027-01-15T08:00:00Z')

describe('the folder of backups', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-backups-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('has each backup, for its owner alone, with what has leaked beside it, and is synced last', async () => {
    using disk = await RecordedDisk.record()
    const { path } = await writeBackup(folder, Buffer.from('sealed'), ['tag'], now)
    const names = ['rekeyd-20270115T080000Z.age', 'rekeyd-compromised.json']
    const effects = disk.log.filter((effect) => /^(sync|rename)/.test(effect))
    assert.deepEqual(effects, [
      ...names.flatMap((name) => [`sync ${name}.part`, `rename ${name}.part ${name}`]),
      `sync ${basename(folder)}`,
    ])
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.deepEqual(await compromisedBeside(folder), ['tag'])
  })

  it('keeps the newest, and everything that is no backup', async () => {
    for (let made = 0; made < 4; made += 1) await writeBackup(folder, Buffer.from('x'), [], now)
    await writeFile(join(folder, 'notes'), '')
    const newest = listBackups(folder).slice(-2)
    assert.equal(await pruneBackups(folder, 2), 2)
    assert.deepEqual(listBackups(folder), newest)
    assert.equal((await readdir(folder)).length, 4)
    assert.equal(await pruneBackups(folder, 2), 0)
  })

  it('does not take a damaged list of what has leaked for an empty one', async () => {
    assert.deepEqual(await compromisedBeside(folder), [])
    for (const text of ['', '{}', '["tag"']) {
      await writeFile(join(folder, 'rekeyd-compromised.json'), text)
      await assert.rejects(compromisedBeside(folder), /is damaged/)
    }
  })
})
