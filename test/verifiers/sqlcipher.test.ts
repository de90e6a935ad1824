import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sqlcipher } from '../../src/verifiers/sqlcipher.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { buildDatabase, newKey } from '../support/databases.ts'

const never = new AbortController().signal

for (const cipher of [3, 4] as const) {
  describeVerifier(`sqlcipher, format ${cipher}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-verifier-'))
    const path = join(folder, 'qpc.db')
    const keys = [newKey(), newKey()] as const
    const build = (key: (typeof keys)[0]) => buildDatabase(path, { key, cipher, rows: 20 })
    const remove = async () => {
      for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    }
    build(keys[0])
    return {
      verifier: sqlcipher.create(
        {},
        { ...noContext, targets: [{ type: 'sqlcipher', place: { path, reads: 'database' } }] },
      ),
      first: fakeEdition(keys[0].bytes, { number: 1 }),
      second: fakeEdition(keys[1].bytes, { number: 2 }),
      async switchToSecond() {
        await remove()
        build(keys[1])
      },
      stop: remove,
      dispose: () => rm(folder, { recursive: true }),
    }
  })
}

describe('the sqlcipher verifier', () => {
  it('takes a database without encryption for neither version', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-verifier-'))
    const path = join(folder, 'qpc.db')
    buildDatabase(path, { rows: 20 })
    const verifier = sqlcipher.create({ path }, noContext)
    const edition = fakeEdition('any')
    assert.equal((await verifier.accepts(edition, never)).yes, false)
    assert.equal((await verifier.refuses!(edition, never)).yes, false)
    assert.equal((await verifier.ready(never)).yes, false)
    await rm(folder, { recursive: true })
  })

  it('wants to know which database', () => {
    assert.throws(() => sqlcipher.create({}, noContext), { kind: 'config' })
  })
})
