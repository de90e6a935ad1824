import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadSqlite } from '../../src/store/database.ts'
import { migrations } from '../../src/store/migrations.ts'

describe('the schema', () => {
  it('is brought up to date from the first one with everything in it', async () => {
    const Sqlite = await loadSqlite()
    const db = new Sqlite('', { timeout: 250 })
    try {
      const [first = '', ...later] = migrations
      db.exec(first)
      db.exec(`
        INSERT INTO versions (material, number, state, compromised, origin, fingerprint, attributes, created_at)
          VALUES ('vapid', 1, 'active', 1, 'generated', 'sha256:ab', '{}', 5);
        INSERT INTO rotations (id, trigger, actor, direction, tries, started)
          VALUES ('r1', 'manual', 'cli:alice', 'back', 2, 7)`)
      for (const statements of later) db.exec(statements)
      const one = (sql: string) => db.prepare(sql).raw().get()
      assert.deepEqual(one('SELECT material, compromised, on_failure FROM versions'), [
        'vapid',
        1,
        null,
      ])
      assert.deepEqual(one('SELECT id, direction, tries, blamed FROM rotations'), [
        'r1',
        'back',
        2,
        null,
      ])
      const choose = db.prepare('UPDATE versions SET on_failure = ?')
      assert.throws(() => choose.run('perhaps'), /CHECK/)
      assert.equal(choose.run('old').changes, 1)
      assert.equal(one('SELECT cause FROM told_notices'), undefined)
    } finally {
      db.close()
    }
  })
})
