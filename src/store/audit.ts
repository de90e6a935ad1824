import { createHmac, type KeyObject } from 'node:crypto'
import { canonical } from './canonical.ts'
import type { Database } from './database.ts'
import type { Actor } from './key-store.ts'

/** What happened, as an audit row says it. Nothing secret. */
export interface AuditEvent {
  /** `version.activate`, `rotation.begin`, `store.open`, … */
  readonly action: string
  readonly material?: string
  readonly version?: number
  readonly fingerprint?: string
  readonly detail?: string
}

/** One row of the log. */
export interface AuditEntry extends AuditEvent {
  /** Counts up from 1 without gaps. */
  readonly seq: number
  /** Epoch milliseconds. */
  readonly at: number
  readonly who: string
  readonly why?: string
  /** Hex HMAC-SHA-256 over the previous row's hash and this row. */
  readonly hash: string
}

/** The newest row: kept elsewhere (marker, journal, replies), it shows that rows were cut off. */
export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

export type AuditVerdict =
  | { readonly ok: true; readonly head: AuditHead }
  /** The first row that is missing, changed or not ours. */
  | { readonly ok: false; readonly brokenAt: number }

/** What rows are chained under: a key that is changed stays that of the rows before. */
export interface ChainKeys {
  readonly present: KeyObject
  /** Oldest first; `until` is the last row of each. */
  readonly former: readonly { readonly until: number; readonly key: KeyObject }[]
}

const columns = 'seq, at, who, why, action, material, version, fingerprint, detail, hash'
const beforeFirst: AuditHead = { seq: 0, hash: '' }

/**
 * The audit log: append-only, each row chained to the one before it under a key that lies sealed
 * outside the database. Rows are appended only by the guard, inside the transaction of what they tell.
 */
export class AuditLog {
  readonly #db: Database
  readonly #chainKeys: ChainKeys

  constructor(db: Database, chainKeys: ChainKeys) {
    this.#db = db
    this.#chainKeys = chainKeys
  }

  /** Only inside a transaction. @param at epoch milliseconds */
  append(actor: Actor, event: AuditEvent, at: number): AuditEntry {
    const previous = this.head()
    const row: Omit<AuditEntry, 'hash'> = {
      ...event,
      seq: previous.seq + 1,
      at,
      who: actor.who,
      ...(actor.why === undefined ? {} : { why: actor.why }),
    }
    const hash = this.#hash(previous.hash, row)
    this.#db
      .prepare(`INSERT INTO audit (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(...fields(row), hash)
    return { ...row, hash }
  }

  head(): AuditHead {
    const row = this.#db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get()
    return (row as AuditHead | undefined) ?? beforeFirst
  }

  /** Rows after `seq`, oldest first. */
  list(after: number, limit: number): readonly AuditEntry[] {
    return this.#db
      .prepare(`SELECT ${columns} FROM audit WHERE seq > ? ORDER BY seq LIMIT ?`)
      .all(after, limit)
      .map((row) => withoutNulls(row as AuditEntry))
  }

  /** Whether the log still contains this row: false for an older, other or forked store. */
  contains(head: AuditHead): boolean {
    const row = this.#db.prepare('SELECT hash FROM audit WHERE seq = ?').get(head.seq)
    return (row as AuditHead | undefined)?.hash === head.hash
  }

  /** Walks the whole chain. @param exported a head seen earlier, which must still be part of it */
  verify(exported?: AuditHead): AuditVerdict {
    let previous = beforeFirst
    for (const row of this.#db.prepare(`SELECT ${columns} FROM audit ORDER BY seq`).iterate()) {
      const entry = row as AuditEntry
      const seq = previous.seq + 1
      if (entry.seq !== seq || entry.hash !== this.#hash(previous.hash, entry)) {
        return { ok: false, brokenAt: seq }
      }
      previous = { seq, hash: entry.hash }
    }
    if (!exported || this.contains(exported)) return { ok: true, head: previous }
    return { ok: false, brokenAt: Math.min(exported.seq, previous.seq + 1) }
  }

  #hash(previous: string, row: Omit<AuditEntry, 'hash'>): string {
    return createHmac('sha256', this.#keyOf(row.seq))
      .update(canonical([previous, ...fields(row)]))
      .digest('hex')
  }

  #keyOf(seq: number): KeyObject {
    const { present, former } = this.#chainKeys
    return former.find(({ until }) => seq <= until)?.key ?? present
  }
}

function fields(row: Omit<AuditEntry, 'hash'>): readonly (string | number | null)[] {
  const { seq, at, who, why, action, material, version, fingerprint, detail } = row
  return [
    seq,
    at,
    who,
    why ?? null,
    action,
    material ?? null,
    version ?? null,
    fingerprint ?? null,
    detail ?? null,
  ]
}

/** Columns that are NULL become absent keys. */
export function withoutNulls<T extends object>(row: T): T {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as T
}
