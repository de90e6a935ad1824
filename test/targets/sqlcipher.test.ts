import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'
import type { DatabaseKey } from '../../src/sqlcipher/database-key.ts'
import { HotJournal } from '../../src/sqlcipher/hot-journal.ts'
import { sqlcipher } from '../../src/targets/sqlcipher.ts'
import type { Target } from '../../src/targets/target.ts'
import { describeTarget } from '../contracts/target.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import {
  buildDatabase,
  contentOf,
  genuineOpens,
  newKey,
  openGenuine,
  startWriter,
} from '../support/databases.ts'

const signal = new AbortController().signal
const keys = [newKey('raw'), newKey('raw'), newKey('raw+salt')] as const

function targetIn(folder: string): Target {
  const options = sqlcipher.schema.parse({ path: join(folder, 'qpc.db') })
  return sqlcipher.create(options, {
    material: 'db-key',
    stateDir: '/var/lib/rekeyd',
    storeKey: { credential: 'store-key' },
    editionOf: async () => undefined,
  })
}

function editionOf({ form, bytes }: DatabaseKey, number: number): Edition {
  const text = form === 'passphrase' ? bytes : bytes.toString('hex')
  return fakeEdition(text, { number, attributes: { form } })
}

describeTarget('sqlcipher', async (folder) => {
  const path = join(folder, 'qpc.db')
  buildDatabase(path, { key: keys[0], rows: 40 })
  const opening = () => keys.find((key) => genuineOpens(path, { key }))!
  return {
    target: targetIn(folder),
    initial: editionOf(keys[0], 7),
    first: editionOf(keys[1], 1),
    second: editionOf(keys[2], 2),
    snapshot: async () => ({ by: opening(), ...contentOf(path, { key: opening() }) }),
    leftovers: async () => (await readdir(folder)).filter((name) => name.includes('.rekeyd-')),
    // A backup that was brought back: another file, and something else in it.
    async edit() {
      const key = opening()
      const db = openGenuine(path, { key })
      db.exec(`INSERT INTO settings VALUES ('restored', 1)`)
      db.close()
      await copyFile(path, join(folder, 'backup'))
      await rename(join(folder, 'backup'), path)
    },
    async isEdited() {
      const db = openGenuine(path, { key: opening() })
      const row = db.prepare(`SELECT value FROM settings WHERE name = 'restored'`).get()
      db.close()
      return row !== undefined
    },
    async hide() {
      await rm(path)
      await mkdir(path)
    },
  }
})

describe('the sqlcipher target', () => {
  const [first, second] = [editionOf(keys[0], 1), editionOf(keys[1], 2)]
  const move = { rotation: 'r1', edition: second, previous: first }
  let folder: string
  let path: string
  let target: Target
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-sqlcipher-'))
    path = join(folder, 'qpc.db')
    target = targetIn(folder)
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('gives the previous key back without losing what was written since', async () => {
    buildDatabase(path, { key: keys[0] })
    await target.activate(move, await target.stage(move, signal), signal)
    const db = openGenuine(path, { key: keys[1] })
    db.exec(`INSERT INTO settings VALUES ('since', 1)`)
    db.close()
    const back = { rotation: 'r1-back', edition: first, previous: second }
    await target.activate(back, await target.stage(back, signal), signal)
    const again = openGenuine(path, { key: keys[0] })
    assert.ok(again.prepare(`SELECT value FROM settings WHERE name = 'since'`).get())
    again.close()
  })

  it('never opens a database whose consumer was cut off, and names the remedy', async () => {
    buildDatabase(path, { key: keys[0], journalMode: 'delete' })
    const before = contentOf(path, { key: keys[0] })
    const writer = await startWriter(
      path,
      { key: keys[0] },
      `PRAGMA cache_size = 5; BEGIN; UPDATE messages SET data = randomblob(1024)`,
    )
    await writer.end()
    assert.deepEqual(await target.inspect([first], signal), { holds: 'version', number: 1 })
    const held = await target.stage(move, signal)
    await assert.rejects(target.activate(move, held, signal), HotJournal)
    assert.deepEqual(contentOf(path, { key: keys[0] }), before)
  })

  it('does not touch what it cannot adopt', async () => {
    buildDatabase(path, { key: keys[2] })
    await assert.rejects(target.stage(move, signal), { kind: 'needs-attention' })
    await assert.rejects(target.activate(move, SecretBytes.fromText('x'), signal), /no known key/)
    assert.equal((await target.inspect([first, second], signal)).holds, 'something else')
    await target.check(signal)
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    buildDatabase(path)
    await assert.rejects(target.check(signal), /not encrypted/)
    await assert.rejects(target.stage(move, signal), /not encrypted/)
    assert.equal((await target.inspect([first], signal)).holds, 'something else')
    await writeFile(path, 'too short')
    assert.equal((await target.inspect([first], signal)).holds, 'something else')
  })

  it('lets the consumer make its first database, and does not let one vanish', async () => {
    const create = { rotation: 'r1', edition: first }
    assert.deepEqual(await target.inspect([first], signal), { holds: 'nothing' })
    await target.check(signal)
    await target.activate(create, await target.stage(create, signal), signal)
    assert.deepEqual(await readdir(folder), [])
    await assert.rejects(target.stage(move, signal), /no database/)
  })

  it('never removes the database', async () => {
    buildDatabase(path, { key: keys[1] })
    const held = await target.stage({ rotation: 'r1', edition: second }, signal)
    await target.withdraw({ rotation: 'r1', edition: second }, held, signal)
    await target.withdraw({ rotation: 'r1', edition: second }, undefined, signal)
    assert.equal(genuineOpens(path, { key: keys[1] }), true)
  })

  it('does not wait for the writer of a named pipe', async () => {
    execFileSync('mkfifo', [path])
    await assert.rejects(target.check(signal), /qpc.db is not a regular file$/)
    const { holds } = await target.inspect([editionOf(keys[0], 1)], signal)
    assert.equal(holds, 'unknown')
  })

  it('refuses options that do not exist and paths that SQLite would read differently', () => {
    const problems = (options: unknown) => sqlcipher.schema.safeParse(options).success
    assert.equal(problems({ path: '/srv/qpc.db', cipher: 3 }), true)
    assert.equal(problems({ path: '/srv/qpc.db', cipher: 2 }), false)
    assert.equal(problems({ path: '/srv/qpc.db ' }), false)
    assert.equal(problems({ path: 'qpc.db' }), false)
    assert.equal(problems({ path: '/srv/qpc.db', part: 'key' }), false)
  })
})
