import { createHash } from 'node:crypto'
import { OperatorError } from '../support/operator-error.ts'
import type { AuditLog } from './audit.ts'
import type { Database } from './database.ts'
import type { Marker } from './marker.ts'
import { readIfPresent } from './replace-file.ts'

export interface Arrival {
  readonly marker: Marker | undefined
  /** As {@link machineName} gives it; empty when the machine cannot be told. */
  readonly machine: string
  readonly takeOver: boolean
  /** Marks what is known to be compromised from outside this copy. Inside the transaction of the entrance. */
  readonly markLeaked: (tags: readonly string[]) => void
  /** Epoch milliseconds. */
  readonly now: number
}

interface StoreRow {
  readonly id: string
  readonly machine: string
  readonly epoch: number
  readonly restored: number
}

/** Who everything is done as that nobody asked for. */
export const self = { who: 'rekeyd' }

/**
 * Enters an opened store: refuses one of another machine, notices an older or foreign one, and begins
 * a new epoch, which ends the right to write of whoever entered before (invariant I5).
 * @throws OperatorError (needs-attention) for the store of another machine
 */
export function enter(
  db: Database,
  audit: AuditLog,
  arrival: Arrival,
): { readonly epoch: number; readonly restored: boolean } {
  const { marker, machine, takeOver, markLeaked, now } = arrival
  return db
    .transaction(() => {
      const row = db.prepare('SELECT id, machine, epoch, restored FROM store').get() as StoreRow
      const moved = isElsewhere(row.machine, machine)
      if (moved && !takeOver) throw otherMachine(`the store ${db.name}`)
      const why = moved ? 'taken over from another machine' : doubt(row, audit, marker)
      if (why !== undefined) {
        skipNumbers(db, lostRows(row, audit, marker))
        markLeaked(marker?.compromised ?? [])
        audit.append(self, { action: 'store.restored', detail: why }, now)
      }
      const epoch = 1 + Math.max(row.epoch, lastEpoch(row, marker))
      const restored = why !== undefined || row.restored === 1
      db.prepare('UPDATE store SET epoch = ?, machine = ?, restored = ?').run(
        epoch,
        machine || row.machine,
        Number(restored),
      )
      audit.append(self, { action: 'store.open', detail: `epoch ${epoch}` }, now)
      return { epoch, restored }
    })
    .immediate()
}

/**
 * A name for this machine, derived from its id as machine-id(5) asks: the id itself is not to be shown.
 * @param id by default the content of /etc/machine-id
 */
export function machineName(id = readIfPresent('/etc/machine-id')?.trim() ?? ''): string {
  return id === '' ? '' : createHash('sha256').update('rekeyd machine').update(id).digest('hex')
}

/** Whether a store is of another machine; what cannot be told is not. */
export function isElsewhere(machine: string, here: string): boolean {
  return machine !== '' && here !== '' && machine !== here
}

/** Why this may not be the store that was last used here; undefined when all is well. */
function doubt(row: StoreRow, audit: AuditLog, marker: Marker | undefined): string | undefined {
  if (!marker) return row.epoch === 0 ? undefined : 'there is no marker of it here'
  if (marker.store !== row.id) return 'the marker here is of another store'
  if (!audit.contains(marker)) return 'it lacks what the marker has seen: an older copy'
  return undefined
}

/**
 * A bound for the rows, and so for the version numbers, that the lost part of the store had: each
 * number that was allotted left at least one audit row.
 */
function lostRows(row: StoreRow, audit: AuditLog, marker: Marker | undefined): number {
  if (marker?.store !== row.id || audit.contains(marker)) return 0
  const { seq } = audit.head()
  return marker.seq > seq ? marker.seq - seq : marker.seq
}

function lastEpoch(row: StoreRow, marker: Marker | undefined): number {
  return marker?.store === row.id ? marker.epoch : 0
}

function skipNumbers(db: Database, count: number): void {
  db.prepare('UPDATE counters SET last = last + ?').run(count)
  db.prepare('UPDATE store SET numbers_above = numbers_above + ?').run(count)
}

/** @param what `the store …`, `the backup` */
export function otherMachine(what: string): OperatorError {
  return new OperatorError(`${what} belongs to another machine`, {
    kind: 'needs-attention',
    hint: 'make sure that the other one no longer runs rekeyd, then take the store over: rekeyd restore --take-over',
  })
}
