import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  copyFile,
  link,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type DatabaseKey, keyForms } from '../../src/sqlcipher/database-key.ts'
import { HotJournal } from '../../src/sqlcipher/hot-journal.ts'
import { rekeyDatabase } from '../../src/sqlcipher/rekey.ts'
import {
  type BuildOptions,
  buildDatabase,
  contentOf,
  debianSqlcipher,
  genuineOpens,
  newKey,
  openGenuine,
  startWriter,
} from '../support/databases.ts'
import { needs } from '../support/parts.ts'

const signal = new AbortController().signal

describe('the rekeying of a database', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-rekey-'))
    path = join(folder, 'qpc.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** What a reader of a copy sees, the log included; the database itself stays untouched. */
  const contentBefore = async (options: BuildOptions) => {
    const reference = join(folder, 'reference.db')
    for (const suffix of ['', '-wal']) {
      await copyFile(path + suffix, reference + suffix).catch(() => {})
    }
    const content = contentOf(reference, options)
    for (const suffix of ['', '-wal', '-shm']) await rm(reference + suffix, { force: true })
    return content
  }
  const rekey = (previous: DatabaseKey, next: DatabaseKey, cipher: 3 | 4 = 4) =>
    rekeyDatabase({ path, cipher, previous, next, tag: 'r1' }, signal)

  for (const cipher of [3, 4] as const) {
    for (const form of keyForms) {
      for (const journalMode of ['wal', 'delete'] as const) {
        it(`keeps everything: format ${cipher}, ${form}, ${journalMode}`, async () => {
          const [key, next] = [newKey(form), newKey(form)]
          buildDatabase(path, { cipher, key, journalMode, autoVacuum: journalMode === 'wal' })
          const before = await contentBefore({ cipher, key })
          await rekey(key, next, cipher)
          assert.deepEqual(await readdir(folder), ['.qpc.db.rekeyd-r1.old', 'qpc.db'])
          assert.deepEqual(contentOf(path, { cipher, key: next }), before)
          assert.equal(genuineOpens(path, { cipher, key }), false)
          assert.equal(genuineOpens(path, {}), false)
          const salt = (await readFile(path)).subarray(0, 16)
          if (form === 'raw+salt') assert.deepEqual(salt, next.bytes.subarray(32))
          else
            assert.notDeepEqual(
              salt,
              (await readFile(join(folder, '.qpc.db.rekeyd-r1.old'))).subarray(0, 16),
            )
        })
      }
    }
  }

  it('changes the form of the key', async () => {
    const [key, next] = [newKey('raw+salt'), newKey('passphrase', `it's "odd"; -- π`)]
    buildDatabase(path, { key })
    await rekey(key, next)
    assert.equal(genuineOpens(path, { key: next }), true)
    assert.equal(genuineOpens(path, { key }), false)
  })

  it('convinces Debian’s sqlcipher of a format 3 database', needs('sqlcipher'), async () => {
    const [key, next] = [newKey(), newKey()]
    debianSqlcipher(
      path,
      `PRAGMA key = '${key.bytes.toString()}'; CREATE TABLE t (a); INSERT INTO t VALUES (41); PRAGMA user_version = 9;`,
    )
    await rekey(key, next, 3)
    const ask = (by: DatabaseKey) =>
      debianSqlcipher(
        path,
        `PRAGMA key = '${by.bytes.toString()}'; SELECT a + 1 FROM t; PRAGMA user_version; PRAGMA integrity_check;`,
      )
    assert.equal(ask(next), '42\n9\nok\n')
    assert.throws(() => ask(key), /encrypted or is not a database/)
  })

  it('keeps owner and mode', needs('root'), async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key })
    await chown(path, 1234, 2345)
    await chmod(path, 0o640)
    await rekey(key, next)
    const { uid, gid, mode } = await stat(path)
    assert.deepEqual([uid, gid, mode & 0o7777], [1234, 2345, 0o640])
  })

  it('copes with a tokenizer that only the consumer has', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key })
    const add = openGenuine(path, { key })
    add.initTokenizer()
    add.exec(`CREATE VIRTUAL TABLE own USING fts5 (x, tokenize = 'signal_tokenizer')`)
    add.exec(`INSERT INTO own VALUES ('hello world')`)
    add.close()
    await rekey(key, next)
    const db = openGenuine(path, { key: next })
    db.initTokenizer()
    assert.equal(db.prepare(`SELECT x FROM own WHERE own MATCH 'world'`).all().length, 1)
    db.close()
  })

  it('removes a spent journal, which would hold pages under the old key', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key, journalMode: 'delete' })
    await writeFile(`${path}-journal`, Buffer.alloc(4096))
    await rekey(key, next)
    assert.equal(genuineOpens(path, { key: next }), true)
    assert.ok(!(await readdir(folder)).includes('qpc.db-journal'))
  })

  for (const journalMode of ['wal', 'delete'] as const) {
    it(`refuses, and changes nothing, while the consumer has it open in ${journalMode} mode`, async () => {
      const [key, next] = [newKey('raw'), newKey('raw')]
      buildDatabase(path, { key, journalMode })
      // An idle connection holds a lock in WAL mode only; elsewhere a transaction is needed.
      const holding =
        journalMode === 'wal'
          ? 'SELECT count(*) FROM messages'
          : 'BEGIN; SELECT count(*) FROM messages'
      const holder = await startWriter(path, { key }, holding)
      await assert.rejects(rekey(key, next), /is in use/)
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.startsWith('.')),
        [],
      )
      await holder.end()
      assert.equal(contentOf(path, { key })['integrity'], 'ok')
      await rekey(key, next)
      assert.equal(genuineOpens(path, { key: next }), true)
    })
  }

  it('leaves a hot journal to the consumer, which then recovers everything', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key, journalMode: 'delete' })
    const before = contentOf(path, { key })
    const writer = await startWriter(
      path,
      { key },
      // A small cache spills uncommitted pages into the database.
      `PRAGMA cache_size = 5; BEGIN; UPDATE messages SET data = randomblob(1024), body = 'torn'`,
    )
    writer.kill()
    await writer.end()
    const cutOff = [await readFile(path), await readFile(`${path}-journal`)]
    assert.ok(cutOff[1]!.length > 512)
    await assert.rejects(rekey(key, next), HotJournal)
    assert.deepEqual([await readFile(path), await readFile(`${path}-journal`)], cutOff)
    assert.deepEqual(contentOf(path, { key }), before)
    await rekey(key, next)
    assert.deepEqual(contentOf(path, { key: next }), before)
  })

  it('refuses a wrong key, a second name and an absent file, and changes nothing', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    await assert.rejects(rekey(key, next), /does not open/)
    assert.deepEqual(await readdir(folder), [])
    buildDatabase(path, { key, journalMode: 'delete' })
    const bytes = await readFile(path)
    await assert.rejects(rekey(newKey('raw'), next), /does not open/)
    await link(path, join(folder, 'twin.db'))
    await assert.rejects(rekey(key, next), /hard links/)
    assert.deepEqual(await readFile(path), bytes)
    assert.deepEqual((await readdir(folder)).toSorted(), ['qpc.db', 'twin.db'])
  })

  it('refuses a database with a damaged page', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key, journalMode: 'delete' })
    const bytes = await readFile(path)
    bytes[20 * 4096 + 100]! ^= 1
    await writeFile(path, bytes)
    await assert.rejects(rekey(key, next))
    assert.deepEqual(await readFile(path), bytes)
    assert.deepEqual(await readdir(folder), ['qpc.db'])
  })

  it('does not switch once the process that asked for it is gone', async () => {
    const [key, next] = [newKey('raw'), newKey('raw')]
    buildDatabase(path, { key, journalMode: 'delete' })
    const task = { path, cipher: 4, forms: { next: 'raw', previous: 'raw' }, tag: 'r1' }
    const request = { parent: 1, secrets: ['next', 'previous'], task }
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../src/sqlcipher/rekey-child.ts'), JSON.stringify(request)],
      { stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'] },
    )
    for (const [descriptor, { bytes }] of [
      [3, next],
      [4, key],
    ] as const) {
      ;(child.stdio[descriptor] as NodeJS.WritableStream).end(bytes)
    }
    let answer = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      answer += chunk.toString()
    })
    await once(child, 'close')
    assert.match(answer, /rekeyd has ended/)
    assert.equal(genuineOpens(path, { key }), true)
  })
})
