/**
 * The encrypted store: versions and their secrets, journal, schedule state and audit log in one SQLite
 * file, opened by one daemon at a time (lock.ts).
 *
 * **Keys.** The *store key* lies outside `state_dir` (file or systemd credential) and is needed only to
 * open. It wraps, in `store.keys`, two random keys: the *database key*, which encrypts the whole file
 * with a MAC on every page, and the *data key*, from which the keys are derived that seal each secret
 * and chain the audit log. Changing the store key rewraps; nothing else is rewritten.
 *
 * **What holds.**
 * - A stolen disk or backup without the store key shows nothing: neither names, schedules and
 *   fingerprints (database key) nor secrets (both).
 * - A changed, cut or swapped byte is noticed: pages by their MAC, a sealed value moved to another
 *   material, version or target by its associated data, audit rows by their chain.
 * - Secrets are sealed before SQLite sees them, so its page cache, log and temporary space never hold
 *   one in clear; in this process they live in `SecretBytes` only.
 * - An older copy brought back is noticed by a marker outside the database, and then nothing is written
 *   to any target by itself. A store carried to another machine is refused until taken over.
 * - A daemon that lost its lock cannot write: every transaction checks the epoch of its opening.
 *
 * **What does not.** Root, and whoever has the same uid, read the store key and this process's memory.
 * Who can write both `state_dir` and the marker can bring an old state back; an audit head exported
 * elsewhere shows it. A host-bound credential on the same disk does not stop a thief of the whole disk.
 * Who holds the store key can rewrite the audit log: it shows tampering by others, not by the operator.
 */
import type { KeyObject } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import { type AuditEntry, type AuditEvent, AuditLog } from './audit.ts'
import { chainKeys } from './chain-keys.ts'
import { compromisedTags, markCompromised } from './compromised.ts'
import { type Database, databasePath, openDatabase, refuseAbsent } from './database.ts'
import { derive } from './derived-keys.ts'
import { type Arrival, enter, machineName } from './entrance.ts'
import { fingerprintKey } from './fingerprint-key.ts'
import { Guard } from './guard.ts'
import type { Journal } from './journal.ts'
import { isRenewalDue, openKeyFile, type StoreKeys, wipeKeys } from './key-file.ts'
import type { Actor, KeyStore } from './key-store.ts'
import { findMarker, writeFirstMarker } from './marker.ts'
import { presentKeys } from './renewal.ts'
import type { ScheduleState } from './schedule-state.ts'
import { SqliteJournal } from './sqlite-journal.ts'
import { SqliteKeyStore } from './sqlite-key-store.ts'
import { SqliteScheduleState } from './sqlite-schedule-state.ts'
import { copyStore, removeLeftCopies, type StoreCopy } from './store-copy.ts'
import { readStoreKey, type StoreKeySource } from './store-key.ts'
import { ToldNotices } from './told-notices.ts'
import { VersionTable } from './version-table.ts'

export interface StoreOptions {
  readonly stateDir: string
  readonly storeKey: StoreKeySource
  readonly clock: Clock
  /** Opens the store of another machine and makes it this one's. */
  readonly takeOver?: boolean
  /** Takes every audit row once it is durable: a log that others keep shows what was cut off here. */
  readonly audited?: (row: AuditEntry) => void
  /** By default /etc/machine-id. */
  readonly machineId?: string
}

/** An open store. */
export interface Store {
  readonly id: string
  /** Counts openings. */
  readonly epoch: number
  /**
   * Whether this is an older, imported or taken-over store: unfinished rotations are then closed without
   * touching anything, and materials wait for `adopt`. Stays so over restarts until `settle`.
   */
  readonly restored: boolean
  /** Whether opening it again would give it new keys (renewal.ts). */
  readonly renewalDue: boolean
  readonly keys: KeyStore
  readonly journal: Journal
  readonly schedule: ScheduleState
  readonly notices: ToldNotices
  readonly audit: Pick<AuditLog, 'head' | 'list' | 'verify'>
  /** What other copies of this store must not give back (compromised.ts). */
  compromised(): readonly string[]
  /** An audit row of something that changed nothing here. */
  record(actor: Actor, event: AuditEvent): void
  /** As it is now, for a backup. */
  copy(): Promise<StoreCopy>
  /** Everything that follows from `restored` is done. */
  settle(actor: Actor): void
  close(): void
}

/**
 * Opens the store. The caller holds its lock (lock.ts).
 * @throws OperatorError: `locked` when it is absent; `config` for a wrong store key or a folder that
 *   others may write to; `needs-attention` when it is empty, damaged, or of another machine; `failed`
 *   when a newer rekeyd wrote it
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { stateDir, clock, takeOver = false } = options
  const path = databasePath(stateDir)
  refuseAbsent(path)
  refuseOpenFolder(stateDir)
  removeLeftCopies(path)
  const keys = await presentKeys(stateDir, readStoreKey(options.storeKey), Math.trunc(clock.now()))
  try {
    const db = await openDatabase(path, keys.databaseKey)
    try {
      const audit = new AuditLog(db, chainKeys(db, keys))
      const fingerprint = fingerprintKey(db, keys)
      const now = Math.trunc(clock.now())
      const arrival: Arrival = {
        marker: findMarker(stateDir, keys.store),
        machine: machineName(options.machineId),
        takeOver,
        markLeaked: (tags) => markCompromised(db, audit, fingerprint, tags, now),
        now,
      }
      // Also what was committed before a crash, or by a renewal, and may not have been told.
      const told = Math.min(audit.head().seq, arrival.marker?.seq ?? Number.MAX_SAFE_INTEGER)
      const entered = enter(db, audit, arrival)
      const audited = (rows: readonly AuditEntry[]) => rows.forEach((row) => options.audited?.(row))
      audited(audit.list(told, Number.MAX_SAFE_INTEGER))
      return assemble({
        stateDir,
        storeKey: options.storeKey,
        db,
        keys,
        audit,
        clock,
        fingerprint,
        audited,
        ...entered,
      })
    } catch (error) {
      db.close()
      throw error
    }
  } finally {
    wipeKeys(keys)
  }
}

interface Opened {
  readonly stateDir: string
  readonly storeKey: StoreKeySource
  readonly db: Database
  readonly keys: StoreKeys
  readonly audit: AuditLog
  readonly clock: Clock
  readonly fingerprint: KeyObject
  readonly audited: (rows: readonly AuditEntry[]) => void
  readonly epoch: number
  readonly restored: boolean
}

function assemble(opened: Opened): Store {
  const { stateDir, storeKey, db, keys, audit, clock, fingerprint, audited, epoch, restored } =
    opened
  const id = keys.store
  const marker = () => ({
    store: id,
    epoch,
    ...audit.head(),
    compromised: compromisedTags(db, fingerprint),
  })
  const mark = writeFirstMarker(stateDir, marker())
  const committed = (rows: readonly AuditEntry[]) => {
    unlessItFails(() => mark(marker()))
    audited(rows)
  }
  const guard = new Guard({ db, audit, clock, epoch, committed })
  const sealKey = derive(keys, 'seal')
  const versions = new VersionTable(db, { seal: sealKey, fingerprint })
  const schedule = new SqliteScheduleState(db, guard)
  return {
    id,
    epoch,
    restored,
    get renewalDue() {
      return isRenewalDue(stateDir)
    },
    keys: new SqliteKeyStore({ db, guard, versions, sealKey }),
    journal: new SqliteJournal({ db, guard, versions, schedule, sealKey }),
    schedule,
    notices: new ToldNotices(db, guard),
    audit,
    compromised: () => compromisedTags(db, fingerprint),
    record: (actor, event) => guard.change((record) => record(actor, event)),
    async copy() {
      const present = await openKeyFile(stateDir, readStoreKey(storeKey))
      return copyStore(db, present).finally(() => wipeKeys(present))
    },
    settle(actor) {
      guard.change((record) => {
        db.exec('UPDATE store SET restored = 0')
        record(actor, { action: 'store.settle' })
      })
    },
    close: () => void db.close(),
  }
}

/** The way back must need neither space nor a second folder: then the marker stays older than the store. */
function unlessItFails(mark: () => void): void {
  try {
    mark()
  } catch {
    // An older marker is no evidence of anything.
  }
}

function refuseOpenFolder(stateDir: string): void {
  const mode = statSync(stateDir).mode & 0o777
  if ((mode & 0o022) === 0) return
  throw new OperatorError(
    `state_dir ${stateDir} has mode ${mode.toString(8).padStart(4, '0')}: others may write to it`,
    { kind: 'config', hint: `chmod 700 ${stateDir}` },
  )
}
