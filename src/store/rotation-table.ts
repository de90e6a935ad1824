import type { Change, Direction, Rotation, StepName, StepRecord } from '../model/rotation.ts'
import { withoutNulls } from './audit.ts'
import type { Database } from './database.ts'
import type { Ending, Intent, IntentMember } from './journal.ts'

type RotationRow = { readonly seq: number } & Omit<Rotation, 'changes' | 'steps'>

const columns =
  'seq, id, trigger, actor, reason, direction, tries, started, ended, result, detail, blamed'

/** The rows of rotations, their members and their steps. `seq` is a rotation's row, `id` its name. */
export class RotationTable {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  insert(id: string, { trigger, actor, now }: Intent): number {
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO rotations (id, trigger, actor, reason, direction, tries, started)
         VALUES (?, ?, ?, ?, 'forward', 1, ?)`,
      )
      .run(id, trigger, actor.who, actor.why ?? null, now)
    return Number(lastInsertRowid)
  }

  insertMember(seq: number, position: number, member: IntentMember, to: number | undefined): void {
    const { material, from, observed } = member
    this.#db
      .prepare('INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)')
      .run(seq, position, material, from ?? null, to ?? null, observed ?? null)
  }

  /** @returns the step's number within its rotation */
  startStep(
    seq: number,
    name: StepName,
    subject: string | undefined,
    direction: Direction,
    now: number,
  ): number {
    return this.#db
      .prepare(
        `INSERT INTO steps (rotation, step, name, subject, direction, started)
         VALUES (:seq, 1 + (SELECT count(*) FROM steps WHERE rotation = :seq), :name, :subject, :direction, :now)
         RETURNING step`,
      )
      .pluck()
      .get({ seq, name, subject: subject ?? null, direction, now }) as number
  }

  endStep(
    seq: number,
    step: number,
    outcome: 'done' | 'failed',
    now: number,
    detail: string | undefined,
  ): void {
    const { changes } = this.#db
      .prepare(
        'UPDATE steps SET ended = ?, outcome = ?, detail = ? WHERE rotation = ? AND step = ?',
      )
      .run(now, outcome, detail ?? null, seq, step)
    if (changes === 0) throw new RangeError(`rotation has no step ${step}`)
  }

  turn(seq: number, direction: Direction, detail: string, blamed: string | undefined): void {
    this.#db
      .prepare('UPDATE rotations SET direction = ?, detail = ?, blamed = ? WHERE seq = ?')
      .run(direction, detail, blamed ?? null, seq)
  }

  countTry(seq: number): number {
    return this.#db
      .prepare('UPDATE rotations SET tries = tries + 1 WHERE seq = ? RETURNING tries')
      .pluck()
      .get(seq) as number
  }

  end(seq: number, { now, result, detail, versions }: Ending): void {
    this.#db
      .prepare('UPDATE rotations SET ended = ?, result = ?, detail = ? WHERE seq = ?')
      .run(now, result, detail ?? null, seq)
    // What a consumer made has its number only now.
    const made = this.#db.prepare(
      'UPDATE members SET to_number = ? WHERE rotation = ? AND material = ? AND to_number IS NULL',
    )
    for (const { material, number, event } of versions) {
      if (event === 'activate') made.run(number, seq, material)
    }
  }

  /** The row of an open rotation; undefined when it has ended or never was. */
  open(id: string): number | undefined {
    return this.#db
      .prepare('SELECT seq FROM rotations WHERE id = ? AND ended IS NULL')
      .pluck()
      .get(id) as number | undefined
  }

  /** The open rotation that this material is part of. */
  openFor(material: string): string | undefined {
    return this.#db
      .prepare(
        `SELECT id FROM rotations JOIN members ON rotation = seq
         WHERE ended IS NULL AND material = ?`,
      )
      .pluck()
      .get(material) as string | undefined
  }

  unfinished(): readonly { readonly seq: number; readonly rotation: Rotation }[] {
    return this.#rows('WHERE ended IS NULL ORDER BY seq').map((row) => ({
      seq: row.seq,
      rotation: this.#complete(row),
    }))
  }

  observed(seq: number): Readonly<Record<string, string>> {
    const rows = this.#db
      .prepare('SELECT material, observed FROM members WHERE rotation = ? AND observed IS NOT NULL')
      .raw()
      .all(seq) as [string, string][]
    return Object.fromEntries(rows)
  }

  get(id: string): Rotation | undefined {
    const row = this.#rows('WHERE id = ?', id)[0]
    return row && this.#complete(row)
  }

  history(query: {
    readonly material?: string
    readonly limit: number
    readonly before?: string
  }): readonly Rotation[] {
    return this.#rows(
      `WHERE (:material IS NULL OR seq IN (SELECT rotation FROM members WHERE material = :material))
         AND (:before IS NULL OR seq < (SELECT seq FROM rotations WHERE id = :before))
       ORDER BY seq DESC LIMIT :limit`,
      { material: query.material ?? null, before: query.before ?? null, limit: query.limit },
    ).map((row) => this.#complete(row))
  }

  #rows(where: string, ...values: unknown[]): readonly RotationRow[] {
    const rows = this.#db.prepare(`SELECT ${columns} FROM rotations ${where}`).all(...values)
    return rows.map((row) => withoutNulls(row as RotationRow))
  }

  #complete({ seq, ...row }: RotationRow): Rotation {
    const changes = this.#db
      .prepare(
        `SELECT material, from_number AS "from", to_number AS "to" FROM members
         WHERE rotation = ? ORDER BY position`,
      )
      .all(seq)
      .map((member) => withoutNulls(member as Change))
    const steps = this.#db
      .prepare(
        `SELECT name, subject, direction, started, ended, outcome, detail FROM steps
         WHERE rotation = ? ORDER BY step`,
      )
      .all(seq)
      .map((step) => withoutNulls(step as StepRecord))
    return { ...row, changes, steps }
  }
}
