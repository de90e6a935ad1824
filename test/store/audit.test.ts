import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { type AuditEntry, AuditLog } from '../../src/store/audit.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

describe('the audit log', () => {
  let folder: string
  let db: Database
  let audit: AuditLog
  const length = 60
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-audit-'))
    db = await createDatabase(join(folder, 'audit.db'), SecretBytes.take(randomBytes(32)))
    audit = new AuditLog(db, { present: createSecretKey(randomBytes(32)), former: [] })
    for (let i = 1; i <= length; i++) {
      const more = i % 2 === 0 ? { version: i, fingerprint: 'hmac:00' } : { detail: 'x' }
      audit.append(
        i % 3 === 0 ? { who: 'schedule' } : alice,
        { action: 'test', material: 'vapid', ...more },
        i,
      )
    }
  })
  after(() => {
    db.close()
    rmSync(folder, { recursive: true })
  })

  /** What the log says after a change that is then undone. */
  function verdictAfter(...statements: string[]) {
    const head = audit.head()
    db.exec('BEGIN')
    try {
      for (const statement of statements) db.exec(statement)
      return audit.verify(head)
    } finally {
      db.exec('ROLLBACK')
    }
  }

  it('lists its rows in pages, without what they do not have', () => {
    const [first, second] = audit.list(0, 2)
    assert.deepEqual(
      Object.keys(first ?? {}).toSorted(),
      'action at detail hash material seq who why'.split(' '),
    )
    assert.deepEqual([first?.seq, second?.seq, second?.version], [1, 2, 2])
    assert.equal(audit.list(length - 1, 9).length, 1)
  })

  it('is whole as long as nobody touches it', () => {
    assert.deepEqual(audit.verify(), { ok: true, head: audit.head() })
    assert.equal(audit.head().seq, length)
  })

  it('shows every edited, emptied or added field of any row, at that row', () => {
    const columns = [
      'at',
      'who',
      'why',
      'action',
      'material',
      'version',
      'fingerprint',
      'detail',
      'hash',
    ]
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: length }),
        fc.constantFrom(...columns),
        (seq, column) => {
          const other = column === 'at' || column === 'version' ? '12345' : `'other'`
          const row = verdictAfter(`UPDATE audit SET ${column} = ${other} WHERE seq = ${seq}`)
          assert.deepEqual(row, { ok: false, brokenAt: seq })
        },
      ),
    )
  })

  it('shows rows that moved from one column to the next', () => {
    const shifted = verdictAfter(
      `UPDATE audit SET detail = fingerprint, fingerprint = NULL WHERE seq = 2`,
    )
    assert.deepEqual(shifted, { ok: false, brokenAt: 2 })
  })

  it('shows deleted, swapped and inserted rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: length - 1 }), (seq) => {
        assert.deepEqual(verdictAfter(`DELETE FROM audit WHERE seq = ${seq}`), {
          ok: false,
          brokenAt: seq,
        })
        const swap = [`seq = -1 WHERE seq = ${seq}`, `seq = ${seq} WHERE seq = ${seq + 1}`]
        swap.push(`seq = ${seq + 1} WHERE seq = -1`)
        const swapped = verdictAfter(...swap.map((set) => `UPDATE audit SET ${set}`))
        assert.deepEqual(swapped, { ok: false, brokenAt: seq })
      }),
    )
    const inserted = `INSERT INTO audit (seq, at, who, action, hash) VALUES (${length + 1}, 1, 'x', 'x', 'x')`
    assert.deepEqual(verdictAfter(inserted), { ok: false, brokenAt: length + 1 })
  })

  it('shows a cut tail by a head that was seen before', () => {
    const cut = `DELETE FROM audit WHERE seq > ${length - 5}`
    assert.deepEqual(verdictAfter(cut), { ok: false, brokenAt: length - 4 })
    assert.deepEqual(verdictAfter('DELETE FROM audit'), { ok: false, brokenAt: 1 })
  })

  it('shows rows that a fork of the same store had in their place', () => {
    const forked = 30
    const columns = 'seq, at, who, why, action, material, version, fingerprint, detail, hash'
    db.exec('BEGIN')
    try {
      db.exec(`CREATE TEMP TABLE true_tail AS SELECT ${columns} FROM audit WHERE seq > ${forked}`)
      db.exec(`DELETE FROM audit WHERE seq >= ${forked}`)
      audit.append({ who: 'mallory' }, { action: 'test' }, 1)
      db.exec(`INSERT INTO audit (${columns}) SELECT ${columns} FROM true_tail`)
      assert.deepEqual(audit.verify(), { ok: false, brokenAt: forked + 1 })
    } finally {
      db.exec('ROLLBACK')
    }
  })

  it('shows a log of another store', () => {
    const other = new AuditLog(db, { present: createSecretKey(randomBytes(32)), former: [] })
    assert.deepEqual(other.verify(), { ok: false, brokenAt: 1 })
  })
})

describe('what the audit log tells', () => {
  it('is every change, with who and why, in the transaction of the change', async () => {
    const scratch = new ScratchStore()
    try {
      const told: AuditEntry[] = []
      const audited = (row: AuditEntry) => void told.push(row)
      const { keys, journal, schedule, audit } = await scratch.create({ audited })
      keys.put(newVersion('vapid'), 'active', alice)
      keys.revealed('vapid', 1, alice)
      const members = [{ material: 'vapid', from: 1, make: newVersion('vapid', 'next') }]
      const { id } = journal.begin({ trigger: 'manual', actor: alice, members, now: 1 }).rotation
      journal.turn(id, 'back', 'verifier said no')
      assert.throws(() =>
        journal.finish(id, {
          result: 'failed',
          versions: [{ material: 'vapid', number: 1, event: 'activate' }],
          schedules: [],
          now: 2,
        }),
      )
      journal.finish(id, {
        result: 'rolled_back',
        versions: [{ material: 'vapid', number: 2, event: 'abandon' }],
        schedules: [],
        now: 2,
      })
      keys.compromise('vapid', [2], alice)
      keys.destroy('vapid', 2, alice)
      schedule.set({ ...schedule.get('vapid'), failures: 1 })
      schedule.set({ ...schedule.get('vapid'), paused: { reason: 'x', who: 'y' } }, alice, 'pause')
      const rows = audit.list(0, 99)
      assert.deepEqual(
        rows.map(({ action, version }) =>
          version === undefined ? action : `${action} ${version}`,
        ),
        [
          'store.create',
          'store.open',
          'version.prepare 1',
          'version.activate 1',
          'version.reveal 1',
          'version.prepare 2',
          'rotation.begin 2',
          'rotation.turn',
          'version.abandon 2',
          'rotation.finish 2',
          'version.compromise 2',
          'version.destroy 2',
          'pause',
        ],
      )
      for (const { who, why } of rows.slice(2)) assert.deepEqual({ who, why }, alice)
      assert.deepEqual(audit.verify(), { ok: true, head: audit.head() })
      // Each once it is durable, and none of a change that was not made.
      assert.deepEqual(told, rows.slice(1))
    } finally {
      scratch.dispose()
    }
  })
})
