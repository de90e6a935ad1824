import type { Database } from './database.ts'
import type { Guard } from './guard.ts'

/** Which notices got through, by what they were about and by channel. Times are epoch milliseconds. */
export class ToldNotices {
  readonly #db: Database
  readonly #guard: Guard

  constructor(db: Database, guard: Guard) {
    this.#db = db
    this.#guard = guard
  }

  all() {
    return this.#db.prepare('SELECT cause, channel, at FROM told_notices').all() as {
      readonly cause: string
      readonly channel: string
      readonly at: number
    }[]
  }

  note(cause: string, channel: string, at: number): void {
    this.#guard.change(() =>
      this.#db
        .prepare('INSERT OR REPLACE INTO told_notices VALUES (?, ?, ?)')
        .run(cause, channel, Math.trunc(at)),
    )
  }

  /** On every channel. */
  forget(cause: string): void {
    this.#guard.change(() =>
      this.#db.prepare('DELETE FROM told_notices WHERE cause = ?').run(cause),
    )
  }
}
