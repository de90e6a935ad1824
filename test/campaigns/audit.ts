import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { AuditLog, type AuditVerdict } from '../../src/store/audit.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import type { Campaign } from './campaign.ts'
import { SeededRandom } from './campaign.ts'

const records = 1_000
const columns = ['at', 'who', 'why', 'action', 'material', 'version', 'fingerprint', 'detail']

/**
 * Somebody who has the database key, but not the key of the chain, changes a log of 1,000 records: each change must
 * show when the log is compared with a head that was exported before.
 */
export const campaign: Campaign = {
  name: 'audit',
  slice: 1_000,
  nightly: 10_000,
  needs: [],
  async run({ cases, seed, report, note }) {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-audit-'))
    const db = await createDatabase(join(folder, 'log.db'), SecretBytes.take(randomBytes(32)))
    try {
      const log = filledLog(db)
      const seen = new Map<string, number>()
      const wrong: AuditVerdict = log.verify(log.head())
      if (!wrong.ok) report(`the untouched log is called broken at ${wrong.brokenAt}`)
      for (let index = 0; index < cases; index += 1) {
        const its = seed + index
        const edit = editOf(new SeededRandom(its))
        seen.set(edit.kind, (seen.get(edit.kind) ?? 0) + 1)
        const verdict = verdictAfter(db, log, edit.statements)
        const what = `${edit.kind}: ${edit.statements.join('; ')}`
        if (verdict.ok) report(`not noticed, ${what}`, its)
        else if (verdict.brokenAt !== edit.first) {
          report(`shown at ${verdict.brokenAt} instead of ${edit.first}, ${what}`, its)
        }
      }
      note(`edits detected: ${[...seen].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
    } finally {
      db.close()
      rmSync(folder, { recursive: true })
    }
  },
}

interface Edit {
  readonly kind: string
  readonly statements: readonly string[]
  /** The first row that is no longer as it was. */
  readonly first: number
}

/** One random edit that leaves a log other than it was. */
function editOf(random: SeededRandom): Edit {
  const row = 1 + random.below(records)
  const all = `seq, at, who, why, action, material, version, fingerprint, detail, hash`
  const kinds: readonly (() => Edit)[] = [
    () => {
      const column = random.pick(columns)
      // A value that no row has; one time in four, what stood in no column becomes NULL or empty.
      const value = random.pick(['987654321', `'x${random.below(1e6)}'`, `''`])
      const set = `${column} = CASE WHEN ${column} IS ${value} THEN 'y' ELSE ${value} END`
      const numeric = column === 'at' || column === 'version'
      const statement = `UPDATE audit SET ${numeric ? `${column} = coalesce(${column}, 0) + 1` : set}`
      return { kind: 'edit', statements: [`${statement} WHERE seq = ${row}`], first: row }
    },
    () => {
      const digit = random.below(64) + 1
      const flip = `substr(hash, 1, ${digit - 1}) || CASE substr(hash, ${digit}, 1) WHEN '0' THEN '1' ELSE '0' END || substr(hash, ${digit + 1})`
      return {
        kind: 'forged hash',
        statements: [`UPDATE audit SET hash = ${flip} WHERE seq = ${row}`],
        first: row,
      }
    },
    () => ({ kind: 'delete', statements: [`DELETE FROM audit WHERE seq = ${row}`], first: row }),
    () => {
      const move = [
        `DELETE FROM audit WHERE seq = ${row}`,
        `UPDATE audit SET seq = -seq WHERE seq > ${row}`,
        `UPDATE audit SET seq = -seq - 1 WHERE seq < 0`,
      ]
      return { kind: 'delete and renumber', statements: move, first: row }
    },
    () => {
      // Everything from `row` on moves up; a copy of another row takes the place.
      const source = 1 + random.below(records)
      const from = source >= row ? source + 1 : source
      const insert = [
        `UPDATE audit SET seq = -seq WHERE seq >= ${row}`,
        `UPDATE audit SET seq = 1 - seq WHERE seq < 0`,
        `INSERT INTO audit (${all}) SELECT ${row}, at, who, why, action, material, version, fingerprint, detail, hash FROM audit WHERE seq = ${from}`,
      ]
      // A row repeated before itself is shown after it: up to there nothing changed.
      return { kind: 'insert', statements: insert, first: source === row ? row + 1 : row }
    },
    () => {
      const appended = `INSERT INTO audit (${all}) SELECT ${records + 1}, at, who, why, action, material, version, fingerprint, detail, hash FROM audit WHERE seq = ${row}`
      return { kind: 'append', statements: [appended], first: records + 1 }
    },
    () => {
      const other = 1 + ((row + random.below(records - 1)) % records)
      const swap = [
        `UPDATE audit SET seq = -1 WHERE seq = ${row}`,
        `UPDATE audit SET seq = ${row} WHERE seq = ${other}`,
        `UPDATE audit SET seq = ${other} WHERE seq = -1`,
      ]
      return { kind: 'swap', statements: swap, first: Math.min(row, other) }
    },
    () => {
      const cut = `DELETE FROM audit WHERE seq >= ${row}`
      return { kind: 'cut tail', statements: [cut], first: row }
    },
  ]
  return random.pick(kinds)()
}

function filledLog(db: Database): AuditLog {
  const log = new AuditLog(db, { present: createSecretKey(randomBytes(32)), former: [] })
  db.transaction(() => {
    for (let seq = 1; seq <= records; seq += 1) {
      const actor = seq % 3 === 0 ? { who: 'schedule' } : { who: 'cli:alice', why: `case ${seq}` }
      const rest = seq % 2 === 0 ? { version: seq, fingerprint: `hmac:${seq}` } : { detail: 'done' }
      log.append(actor, { action: 'rotation.begin', material: `m${seq % 7}`, ...rest }, seq * 1_000)
    }
  })()
  return log
}

/** What the log says after changes that are then undone. */
function verdictAfter(db: Database, log: AuditLog, statements: readonly string[]): AuditVerdict {
  const exported = log.head()
  db.exec('BEGIN')
  try {
    for (const statement of statements) db.exec(statement)
    return log.verify(exported)
  } finally {
    db.exec('ROLLBACK')
  }
}
