import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { HotJournal } from '../../src/sqlcipher/hot-journal.ts'
import { rehearseRekey } from '../../src/sqlcipher/rekey.ts'
import { buildDatabase, genuineOpens, newKey, openGenuine } from '../support/databases.ts'

const signal = new AbortController().signal

describe('a rehearsed rekey', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-rehearse-'))
    path = join(folder, 'qpc.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const hash = async () =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  const rehearse = (previous: ReturnType<typeof newKey>) =>
    rehearseRekey({ path, cipher: 4, previous, next: newKey(), tag: 'rehearsal-1' }, signal)

  for (const journalMode of ['wal', 'delete'] as const) {
    it(`leaves a database as it was while its consumer has it open: ${journalMode}`, async () => {
      const key = newKey()
      buildDatabase(path, { key, journalMode })
      const consumer = openGenuine(path, { key })
      consumer.exec("INSERT INTO settings VALUES ('before', 1)")
      const [before, names] = [await hash(), await readdir(folder)]
      await rehearse(key)
      assert.equal(await hash(), before)
      assert.deepEqual(await readdir(folder), names)
      consumer.exec("INSERT INTO settings VALUES ('after', 1)")
      consumer.close()
      assert.equal(genuineOpens(path, { key }), true)
    })

    it(`leaves nothing beside a database that nobody has open: ${journalMode}`, async () => {
      const key = newKey()
      buildDatabase(path, { key, journalMode })
      const [before, names] = [await hash(), await readdir(folder)]
      await rehearse(key)
      assert.deepEqual(await readdir(folder), names)
      assert.equal(await hash(), before)
      assert.equal(genuineOpens(path, { key }), true)
    })
  }

  for (const cipher of [3, 4] as const) {
    it(`leaves nothing beside one that was closed in good order: format ${cipher}`, async () => {
      const key = newKey()
      buildDatabase(path, { key, cipher })
      openGenuine(path, { key, cipher }).close()
      for (const end of ['-wal', '-shm']) await rm(path + end, { force: true })
      const before = await hash()
      const rekey = { path, cipher, previous: key, next: newKey(), tag: 'rehearsal-1' }
      await rehearseRekey(rekey, signal)
      assert.deepEqual(await readdir(folder), ['qpc.db'])
      assert.equal(await hash(), before)
    })
  }

  it('does not open one with a hot journal', async () => {
    const key = newKey()
    buildDatabase(path, { key, journalMode: 'delete' })
    await writeFile(`${path}-journal`, 'not empty')
    const before = await hash()
    await assert.rejects(rehearse(key), HotJournal)
    assert.equal(await hash(), before)
    assert.equal(await readFile(`${path}-journal`, 'utf8'), 'not empty')
  })

  it('fails with a key that does not open it, and leaves nothing', async () => {
    buildDatabase(path, { key: newKey(), journalMode: 'delete' })
    await assert.rejects(rehearse(newKey()), /the key does not open/)
    assert.deepEqual(await readdir(folder), ['qpc.db'])
  })
})
