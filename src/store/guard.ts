import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { AuditEntry, AuditEvent, AuditLog } from './audit.ts'
import { type Database, isFull, isSqliteError, noSpace } from './database.ts'
import type { Actor } from './key-store.ts'

/** Appends an audit row to the transaction under way. */
export type RecordAudit = (actor: Actor, event: AuditEvent) => void

export interface GuardParts {
  readonly db: Database
  readonly audit: AuditLog
  readonly clock: Clock
  /** Of this opening; the database holds a higher one as soon as somebody else has opened it. */
  readonly epoch: number
  /** Called after each durable change, outside its transaction, with its audit rows. */
  readonly committed: (rows: readonly AuditEntry[]) => void
}

/**
 * The one door to the database: every change is one transaction, checked against the epoch, together
 * with its audit rows. After an I/O error nothing more is written: what reached the disk is unknown
 * then, and only a new start finds out.
 */
export class Guard {
  readonly #parts: GuardParts
  #broken = false

  constructor(parts: GuardParts) {
    this.#parts = parts
  }

  now(): number {
    return Math.trunc(this.#parts.clock.now())
  }

  /** A durable change: on disk when it returns, or not made at all. */
  change<T>(work: (record: RecordAudit) => T): T {
    const { audit, committed } = this.#parts
    const rows: AuditEntry[] = []
    const result = this.#transaction(() =>
      work((actor, event) => void rows.push(audit.append(actor, event, this.now()))),
    )
    committed(rows)
    return result
  }

  /** A change without a sync of its own: the next durable one carries it; a power cut before may lose it. */
  note<T>(work: () => T): T {
    const { db } = this.#parts
    db.pragma('synchronous = NORMAL')
    try {
      return this.#transaction(work)
    } finally {
      db.pragma('synchronous = FULL')
    }
  }

  /** Makes room outside a transaction, with errors as a change has them. */
  room(reserve: () => void): void {
    try {
      reserve()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #transaction<T>(work: () => T): T {
    if (this.#broken) throw this.#refusal()
    const { db } = this.#parts
    try {
      return db
        .transaction(() => {
          this.#checkEpoch()
          return work()
        })
        .immediate()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  #checkEpoch(): void {
    const { db, epoch } = this.#parts
    if (db.prepare('SELECT epoch FROM store').pluck().get() === epoch) return
    throw new OperatorError(`another rekeyd has opened the store ${db.name} since this one did`, {
      kind: 'locked',
      hint: 'this process must end: the other one is in charge',
    })
  }

  #explain(error: unknown): unknown {
    const { db } = this.#parts
    if (isFull(error)) return noSpace(db.name, error)
    if (isSqliteError(error, 'SQLITE_BUSY')) {
      return new OperatorError(`the store ${db.name} is in use by another process`, {
        kind: 'locked',
        hint: 'nothing but rekeyd may open it: end that process',
        cause: error,
      })
    }
    if (!isSqliteError(error, 'SQLITE_IOERR', 'SQLITE_CORRUPT', 'SQLITE_NOTADB')) return error
    this.#broken = true
    return this.#refusal(error)
  }

  #refusal(cause?: unknown): OperatorError {
    return new OperatorError(
      `the store ${this.#parts.db.name} cannot be read or written reliably`,
      {
        kind: 'needs-attention',
        hint: 'check the disk (dmesg), then start rekeyd again',
        ...(cause === undefined ? {} : { cause }),
      },
    )
  }
}
