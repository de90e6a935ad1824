import assert from 'node:assert/strict'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { DatabaseKey } from '../../src/sqlcipher/database-key.ts'
import { type SqliteRowOptions, sqliteRow } from '../../src/targets/sqlite-row.ts'
import type { TargetContext } from '../../src/targets/target.ts'
import { describeTarget } from '../contracts/target.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { type BuildOptions, buildDatabase, newKey, openGenuine } from '../support/databases.ts'

const key = newKey('raw')
const context: TargetContext = {
  material: 'setup',
  stateDir: '/var/lib/rekeyd',
  storeKey: { credential: 'store-key' },
  editionOf: async (name) => (name === 'db-key' ? rawEdition(key) : undefined),
}

function rawEdition({ bytes }: DatabaseKey) {
  return fakeEdition(bytes.toString('hex'), { attributes: { form: 'raw' } })
}

function create(options: Partial<SqliteRowOptions> & { path: string }) {
  const row = { table: 'server_state', column: 'value', where: { key: 'opaque_setup' } }
  return sqliteRow.create(sqliteRow.schema.parse({ ...row, ...options }), context)
}

const kinds: Record<string, BuildOptions> = {
  plain: { journalMode: 'delete' },
  'encrypted, in DELETE mode': { key, journalMode: 'delete' },
}
for (const [name, options] of Object.entries(kinds)) {
  describeTarget(`sqlite_row, ${name}`, async (folder) => {
    const path = join(folder, 'qpc.db')
    buildDatabase(path, { ...options, rows: 40 })
    const sql = (statement: string) => {
      const db = openGenuine(path, options)
      const rows = db.prepare(statement).all()
      db.close()
      return rows
    }
    return {
      target: create({ path, ...(options.key && { db_key: { material: 'db-key' } }) }),
      first: fakeEdition(Buffer.alloc(128, 1), { number: 1 }),
      second: fakeEdition(Buffer.alloc(128, 2), { number: 2 }),
      snapshot: async () => sql('SELECT key, typeof(value), value FROM server_state ORDER BY key'),
      leftovers: async () => (await readdir(folder)).filter((name) => name.includes('.rekeyd-')),
      async overwrite() {
        sql(`UPDATE server_state SET value = x'00' WHERE key = 'opaque_setup'`)
      },
      async hide() {
        await rm(path)
        await mkdir(path)
      },
    }
  })
}

describe('the sqlite_row target', () => {
  it('names its row and where it is', () => {
    const { place, offline } = create({ path: '/srv/qpc.db' })
    assert.equal(place.key, 'server_state(key=opaque_setup).value')
    assert.equal(place.reads, 'database')
    assert.equal(offline, true)
  })

  it('says which key is missing', async () => {
    const move = { rotation: 'r1', edition: fakeEdition('new') }
    const target = create({ path: '/srv/qpc.db', db_key: { material: 'other' } })
    await assert.rejects(target.stage(move, new AbortController().signal), /there is no other yet/)
  })
})
