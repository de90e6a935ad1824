import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { keyForms } from '../../src/sqlcipher/database-key.ts'
import { opensPage, readFirstPage } from '../../src/sqlcipher/page-key.ts'
import { buildDatabase, debianSqlcipher, newKey } from '../support/databases.ts'
import { needs } from '../support/parts.ts'

describe('the first page of a database', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-page-'))
  })
  after(() => rm(folder, { recursive: true }))

  const opens = async (path: string, key = newKey(), cipher: 3 | 4 = 4) => {
    const first = await readFirstPage(path, cipher)
    assert.ok(first.state === 'encrypted')
    return opensPage(first.page, key, cipher)
  }

  for (const cipher of [3, 4] as const) {
    for (const form of keyForms) {
      it(`tells the key of a format ${cipher} database, given as ${form}`, async () => {
        const path = join(folder, `${cipher}-${form}.db`)
        const key = newKey(form)
        buildDatabase(path, { cipher, key, rows: 20 })
        assert.equal(await opens(path, key, cipher), true)
        assert.equal(await opens(path, newKey(form), cipher), false)
        assert.equal(await opens(path, key, cipher === 3 ? 4 : 3), false)
      })
    }
  }

  it('takes a passphrase byte by byte, whatever characters it has', async () => {
    const key = newKey('passphrase', `it's "odd"; -- \\ π ü`)
    const path = join(folder, 'odd.db')
    buildDatabase(path, { key, rows: 20 })
    assert.equal(await opens(path, key), true)
    assert.equal(await opens(path, newKey('passphrase', `it's "odd"; -- \\ π u`)), false)
  })

  it('reads a passphrase that is written as a raw key the way every engine does', async () => {
    for (const length of [32, 48]) {
      const raw = newKey(length === 32 ? 'raw' : 'raw+salt')
      const key = newKey('passphrase', `x'${raw.bytes.toString('hex')}'`)
      const path = join(folder, `written-${length}.db`)
      buildDatabase(path, { key, rows: 20 })
      assert.equal(await opens(path, raw), true)
      assert.equal(await opens(path, key), true)
    }
  })

  it('does not take a key whose salt is another one, although the key is right', async () => {
    const key = newKey('raw+salt')
    const path = join(folder, 'salt.db')
    buildDatabase(path, { key, rows: 20 })
    const other = Buffer.from(key.bytes)
    other[40] = (other[40] ?? 0) ^ 1
    assert.equal(await opens(path, { form: 'raw+salt', bytes: other }), false)
    assert.equal(await opens(path, { form: 'raw', bytes: key.bytes.subarray(0, 32) }), true)
  })

  it('opens what Debian’s sqlcipher made', needs('sqlcipher'), async () => {
    const path = join(folder, 'debian.db')
    debianSqlcipher(path, `PRAGMA key = 'from debian'; CREATE TABLE t (a);`)
    assert.equal(await opens(path, newKey('passphrase', 'from debian'), 3), true)
  })

  it('tells what is no encrypted database', async () => {
    const state = async (path: string) => (await readFirstPage(path, 4)).state
    const plain = join(folder, 'plain.db')
    buildDatabase(plain, { rows: 20 })
    assert.equal(await state(plain), 'plaintext')
    assert.equal(await state(join(folder, 'nowhere.db')), 'absent')
    const small = join(folder, 'small.db')
    await writeFile(small, Buffer.alloc(4095, 1))
    assert.equal(await state(small), 'too short')
    await truncate(small, 0)
    assert.equal(await state(small), 'empty')
    await assert.rejects(state(folder), { kind: 'refused', message: /is not a regular file$/ })
  })
})
