import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { HotJournal } from '../../src/sqlcipher/hot-journal.ts'
import { deleteRow, type RowAddress, readRow, writeRow } from '../../src/sqlcipher/row.ts'
import {
  type BuildOptions,
  buildDatabase,
  contentOf,
  newKey,
  openGenuine,
  startWriter,
} from '../support/databases.ts'

const signal = new AbortController().signal
const key = newKey('raw')
const unlock = { cipher: 4, key } as const

describe('one row of a database', () => {
  let folder: string
  let path: string
  let setup: RowAddress
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-row-'))
    path = join(folder, 'qpc.db')
    setup = { path, table: 'server_state', where: { key: 'opaque_setup' } }
  })
  afterEach(() => rm(folder, { recursive: true }))

  const value = (options: BuildOptions, name = 'opaque_setup') => {
    const db = openGenuine(path, options)
    const row = db
      .prepare('SELECT typeof(value) AS type, value FROM server_state WHERE key = ?')
      .get<{ type: string; value: Uint8Array<ArrayBuffer> | string }>([name])
    db.close()
    return row && { type: row.type, value: Buffer.from(row.value) }
  }

  const kinds: Record<string, BuildOptions> = {
    'a plain database in WAL mode': { journalMode: 'wal' },
    'a plain database': { journalMode: 'delete' },
    'an encrypted database in WAL mode': { key, journalMode: 'wal' },
    'an encrypted database': { key, journalMode: 'delete' },
  }
  for (const [name, options] of Object.entries(kinds)) {
    const by = options.key ? unlock : undefined

    it(`is read, changed and deleted in ${name}, and nothing else with it`, async () => {
      buildDatabase(path, options)
      const before = contentOf(path, options)
      const [seed, bytes] = [value(options, 'signing_key_seed'), Buffer.alloc(128, 7)]
      const found = await readRow(setup, by, signal)
      assert.deepEqual(found, { type: 'blob', bytes: value(options)!.value })
      await writeRow(setup, by, bytes, undefined, signal)
      assert.deepEqual(value(options), { type: 'blob', value: bytes })
      await deleteRow(setup, by, signal)
      assert.equal(value(options), undefined)
      assert.deepEqual(value(options, 'signing_key_seed'), seed)
      assert.deepEqual(await readdir(folder), ['qpc.db'])
      const after = contentOf(path, options)
      const others = ({ rows, ...rest }: Record<string, unknown>) => ({
        ...rest,
        rows: { ...(rows as object), server_state: 'changed' },
      })
      assert.deepEqual(others(after), others(before))
    })
  }

  it('stores text as text, byte by byte', async () => {
    buildDatabase(path)
    const text = Buffer.from(`it's ü "quoted"`)
    await writeRow(setup, undefined, text, 'text', signal)
    assert.deepEqual(value({}), { type: 'text', value: text })
    await writeRow(setup, undefined, Buffer.from('next'), undefined, signal)
    assert.equal(value({})!.type, 'text')
    assert.deepEqual(await readRow(setup, undefined, signal), {
      type: 'text',
      bytes: Buffer.from('next'),
    })
  })

  it('leaves nothing of the old value in the file', async () => {
    buildDatabase(path, { journalMode: 'wal' })
    const old = value({})!.value
    assert.ok((await readFile(path)).includes(old.subarray(0, 32)))
    await writeRow(setup, undefined, Buffer.alloc(16, 1), undefined, signal)
    assert.ok(!(await readFile(path)).includes(old.subarray(0, 32)))
  })

  it('finds nothing where no row matches, and changes nothing', async () => {
    buildDatabase(path)
    const nobody = { ...setup, where: { key: 'nobody' } }
    assert.equal(await readRow(nobody, undefined, signal), undefined)
    await assert.rejects(writeRow(nobody, undefined, Buffer.from('x'), 'blob', signal), /no row/)
    await assert.rejects(deleteRow(nobody, undefined, signal), /no row matches/)
  })

  it('refuses several rows, and changes none', async () => {
    buildDatabase(path)
    const before = contentOf(path, {})
    const all = { path, table: 'search_docsize', column: 'sz', where: { sz: 3 } }
    const bodies = { path, table: 'messages', column: 'data', where: { body: 'hello number 3' } }
    await assert.rejects(deleteRow(bodies, undefined, signal), /several rows match/)
    await assert.rejects(
      writeRow(bodies, undefined, Buffer.from('x'), 'blob', signal),
      /several rows match/,
    )
    await assert.rejects(deleteRow(all, undefined, signal), /no table search_docsize/)
    assert.deepEqual(contentOf(path, {}), before)
  })

  it('takes only names that the database has, whatever they look like', async () => {
    buildDatabase(path)
    const odd = openGenuine(path, {})
    odd.exec(`CREATE TABLE "a "" b; --" ("k ' k" TEXT, "v; v" BLOB)`)
    odd.exec(`INSERT INTO "a "" b; --" VALUES ('one', x'0102')`)
    odd.close()
    const found = await readRow(
      { path, table: 'a " b; --', where: { "k ' k": 'one' } },
      undefined,
      signal,
    )
    assert.deepEqual(found?.bytes, Buffer.from([1, 2]))
    const wrong = (change: Partial<RowAddress>) =>
      readRow({ ...setup, ...change }, undefined, signal)
    await assert.rejects(wrong({ table: 'server_state; DROP' }), /no table/)
    await assert.rejects(wrong({ table: 'newest', where: { id: 1 } }), /no table/)
    await assert.rejects(wrong({ where: { 'key" OR 1 --': 'x' } }), /no column/)
    await assert.rejects(wrong({ column: 'valu' }), /no column valu/)
    await assert.rejects(wrong({ table: 'messages', where: { id: 1 } }), /which column/)
  })

  it('does not open an encrypted database with another key or none', async () => {
    buildDatabase(path, { key })
    const other = { cipher: 4, key: newKey('raw') } as const
    await assert.rejects(readRow(setup, other, signal), /does not open/)
    await assert.rejects(readRow(setup, undefined, signal), /does not open/)
  })

  it('can be read while the consumer runs, but not changed while it writes', async () => {
    buildDatabase(path, { key })
    const writer = await startWriter(path, { key }, `BEGIN IMMEDIATE; DELETE FROM gaps`)
    assert.ok(await readRow(setup, unlock, signal))
    await assert.rejects(deleteRow(setup, unlock, signal), /in use/)
    await writer.end()
    assert.ok(await readRow(setup, unlock, signal))
  })

  it('is left alone when the consumer was cut off in a transaction', async () => {
    buildDatabase(path, { key, journalMode: 'delete' })
    const before = contentOf(path, { key })
    const writer = await startWriter(
      path,
      { key },
      'PRAGMA cache_size = 5; BEGIN; UPDATE messages SET data = randomblob(1024)',
    )
    await writer.end()
    await assert.rejects(readRow(setup, unlock, signal), HotJournal)
    await assert.rejects(deleteRow(setup, unlock, signal), HotJournal)
    assert.deepEqual(contentOf(path, { key }), before)
    await deleteRow(setup, unlock, signal)
    assert.equal(value({ key }), undefined)
  })
})
