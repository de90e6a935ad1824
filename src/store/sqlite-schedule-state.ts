import type { Database } from './database.ts'
import type { Guard } from './guard.ts'
import type { Actor } from './key-store.ts'
import type { AcceptedClock, MaterialSchedule, ScheduleState } from './schedule-state.ts'

/** The schedule state in the encrypted database. */
export class SqliteScheduleState implements ScheduleState {
  readonly #db: Database
  readonly #guard: Guard

  constructor(db: Database, guard: Guard) {
    this.#db = db
    this.#guard = guard
  }

  get(material: string): MaterialSchedule {
    const statement = this.#db.prepare('SELECT state FROM schedules WHERE material = ?').pluck()
    const state = statement.get(material) as string | undefined
    return state === undefined ? { material, failures: 0, rollbacks: [] } : JSON.parse(state)
  }

  all(): readonly MaterialSchedule[] {
    const statement = this.#db.prepare('SELECT state FROM schedules ORDER BY material').pluck()
    return statement.all().map((state) => JSON.parse(state as string))
  }

  set(state: MaterialSchedule, actor?: Actor, action = 'schedule.set'): void {
    this.#guard.change((record) => {
      this.write(state)
      if (actor) record(actor, { action, material: state.material })
    })
  }

  /** For the journal's `finish`, inside its transaction. */
  write(state: MaterialSchedule): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO schedules (material, state) VALUES (?, ?)')
      .run(state.material, JSON.stringify(state))
  }

  accepted(): AcceptedClock | undefined {
    const columns = 'wall, since_boot AS sinceBoot, boot_id AS bootId, doubt'
    const row = this.#db.prepare(`SELECT ${columns} FROM accepted_clock`).get() as
      | Required<AcceptedClock>
      | undefined
    if (!row) return undefined
    const { doubt, ...clock } = row
    return doubt > 0 ? row : clock
  }

  /** Not synced by itself: it comes with every tick, and losing the last few does no harm. */
  accept({ wall, sinceBoot, bootId, doubt = 0 }: AcceptedClock): void {
    this.#guard.note(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO accepted_clock VALUES (1, ?, ?, ?, ?)')
        .run(wall, sinceBoot, bootId, doubt),
    )
  }
}
