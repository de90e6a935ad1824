import assert from 'node:assert/strict'
import { mkdtemp, open, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { walkPages } from '../../src/sqlcipher/integrity.ts'
import { openPage, readFirstPage } from '../../src/sqlcipher/page-key.ts'
import { buildDatabase, newKey, openGenuine } from '../support/databases.ts'

describe('the walk over all pages', () => {
  const key = newKey('raw')
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-walk-'))
    path = join(folder, 'qpc.db')
    buildDatabase(path, { key, rows: 1200, journalMode: 'delete' })
  })
  afterEach(() => rm(folder, { recursive: true }))

  const walk = async (by = key) => {
    const first = await readFirstPage(path, 4)
    assert.ok(first.state === 'encrypted')
    const pageKey = (await openPage(first.page, key, 4))!
    return walkPages(path, { ...pageKey, key: by.bytes.subarray(0, 32) }, 4)
  }
  const corrupt = async (offset: number) => {
    await using file = await open(path, 'r+')
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, offset)
    await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, offset)
  }

  it('finds every page sealed, more than one batch of them', async () => {
    const { size } = await stat(path)
    assert.ok(size > 256 * 4096)
    assert.deepEqual(await walk(), { pages: size / 4096, damaged: 0 })
  })

  it('finds one flipped bit, on the page where genuine SQLCipher finds it', async () => {
    await corrupt(300 * 4096 + 17)
    const { damaged, firstDamaged } = await walk()
    assert.deepEqual({ damaged, firstDamaged }, { damaged: 1, firstDamaged: 301 })
    const db = openGenuine(path, { key })
    const judged = JSON.stringify(db.pragma('cipher_integrity_check'))
    db.close()
    assert.match(judged, /page 301/)
  })

  it('finds no page sealed under another key', async () => {
    const { pages, damaged } = await walk(newKey('raw'))
    assert.equal(damaged, pages)
  })

  it('refuses a file that ends within a page', async () => {
    const { size } = await stat(path)
    await truncate(path, size - 100)
    await assert.rejects(walk(), RangeError)
  })
})
