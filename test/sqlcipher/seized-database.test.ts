import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PageKey } from '../../src/sqlcipher/database-key.ts'
import { HotJournal } from '../../src/sqlcipher/hot-journal.ts'
import { openPage, readFirstPage } from '../../src/sqlcipher/page-key.ts'
import { prove, release, replace, seize, writeCopy } from '../../src/sqlcipher/seized-database.ts'
import {
  buildDatabase,
  genuineOpens,
  newKey,
  openGenuine,
  startWriter,
} from '../support/databases.ts'

describe('a seized database', () => {
  const key = newKey('raw')
  let folder: string
  let path: string
  let pageKey: PageKey
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-seized-'))
    path = join(folder, 'qpc.db')
    buildDatabase(path, { key })
    const first = await readFirstPage(path, 4)
    assert.ok(first.state === 'encrypted')
    pageKey = (await openPage(first.page, key, 4))!
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('locks everybody out until it is released, and is itself not changed', async () => {
    const settled = openGenuine(path, { key })
    settled.close()
    const bytes = await readFile(path)
    const seized = await seize(path, 'r1', 4, pageKey)
    await assert.rejects(async () => {
      const writer = await startWriter(path, { key }, 'SELECT count(*) FROM messages')
      await writer.end()
    })
    writeCopy(seized)
    await prove(seized, pageKey)
    release(seized)
    assert.deepEqual(await readFile(path), bytes)
    assert.deepEqual(await readdir(folder), ['qpc.db'])
    assert.equal(genuineOpens(path, { key }), true)
  })

  it('is not seized while somebody has it open, be it idle', async () => {
    const reader = await startWriter(path, { key }, 'SELECT count(*) FROM messages')
    await assert.rejects(seize(path, 'r1', 4, pageKey), /qpc\.db is in use/)
    await reader.end()
    assert.equal(genuineOpens(path, { key }), true)
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('rekeyd')),
      [],
    )
  })

  it('is left with everything beside it while there is a hot journal', async () => {
    await writeFile(`${path}-journal`, 'a transaction of its consumer')
    const [before, log] = [await readdir(folder), await readFile(`${path}-wal`)]
    assert.ok(log.length > 0)
    await assert.rejects(seize(path, 'r1', 4, pageKey), HotJournal)
    assert.deepEqual(await readdir(folder), before)
    assert.deepEqual(await readFile(`${path}-wal`), log)
  })

  it('is not replaced once nobody waits for it', async () => {
    const seized = await seize(path, 'r1', 4, pageKey)
    writeCopy(seized)
    await prove(seized, pageKey)
    const gone = () => {
      throw new Error('gone')
    }
    assert.throws(() => replace(seized, gone), /gone/)
    release(seized)
    assert.deepEqual(await readdir(folder), ['qpc.db'])
  })

  it('is not replaced once another file stands in its place', async () => {
    const seized = await seize(path, 'r1', 4, pageKey)
    writeCopy(seized)
    await prove(seized, pageKey)
    await copyFile(path, join(folder, 'other.db'))
    await rename(join(folder, 'other.db'), path)
    const other = await readFile(path)
    assert.throws(() => replace(seized, () => {}), /replaced meanwhile|other names/)
    release(seized)
    assert.deepEqual(await readFile(path), other)
  })

  it('does not take a copy that lost a row for a good one', async () => {
    const seized = await seize(path, 'r1', 4, pageKey)
    writeCopy(seized)
    const copy = openGenuine(seized.copy, { key })
    copy.exec("DELETE FROM settings WHERE name = 'limit'")
    copy.close()
    await assert.rejects(prove(seized, pageKey), /rows differ/)
    release(seized)
    assert.deepEqual(await readdir(folder), ['qpc.db'])
  })

  it('does not take a copy for a good one that SQLite complains about', async () => {
    const seized = await seize(path, 'r1', 4, pageKey)
    writeCopy(seized)
    const write = (...statements: string[]) => {
      const copy = openGenuine(seized.copy, { key })
      for (const statement of statements) copy.exec(statement)
      copy.close()
    }
    const rewrite = (from: string, to: string) =>
      write(
        'PRAGMA writable_schema = ON',
        `UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = 'messages'`,
      )
    rewrite('body TEXT NOT NULL', 'body TEXT')
    write('UPDATE messages SET body = NULL WHERE id = 1')
    rewrite('body TEXT,', 'body TEXT NOT NULL,')
    await assert.rejects(prove(seized, pageKey), /integrity_check says NULL value in messages.body/)
    release(seized)
  })

  it('does not take a copy with another setting or schema for a good one', async () => {
    for (const change of [
      'PRAGMA user_version = 8',
      'DROP VIEW newest',
      'PRAGMA application_id = 1',
    ]) {
      const seized = await seize(path, 'r1', 4, pageKey)
      writeCopy(seized)
      const copy = openGenuine(seized.copy, { key })
      copy.exec(change)
      copy.close()
      await assert.rejects(prove(seized, pageKey), /differ/, change)
      release(seized)
    }
  })
})
