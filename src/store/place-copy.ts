import { lstatSync, mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import { AuditLog } from './audit.ts'
import { chainKeys } from './chain-keys.ts'
import { markCompromised } from './compromised.ts'
import { refusePresent } from './create-store.ts'
import { databasePath, openDatabase, removeDatabase } from './database.ts'
import { isElsewhere, machineName, otherMachine, self } from './entrance.ts'
import { fingerprintKey } from './fingerprint-key.ts'
import { keyFilePath, keyFileText, openKeyText, type StoreKeys, wipeKeys } from './key-file.ts'
import { replaceFile, syncFolder } from './replace-file.ts'
import type { StoreCopy } from './store-copy.ts'
import { readStoreKey, type StoreKeySource, wrapperOf } from './store-key.ts'

export interface Placement {
  readonly stateDir: string
  readonly storeKey: StoreKeySource
  readonly clock: Clock
  /** What is known to be compromised since the copy was made. */
  readonly compromised: readonly string[]
  /** Whether a store that is there is moved aside. */
  readonly replace: boolean
  /** Whether a store of another machine is taken over. */
  readonly takeOver: boolean
  /** By default that of /etc/machine-id. */
  readonly machineId?: string
}

type CheckOptions = Pick<Placement, 'clock' | 'compromised' | 'machineId'>

/** What a copy was found to be. */
export interface CheckedCopy {
  /** The store's id. */
  readonly store: string
  /** Rows of its audit log, all of which fit. */
  readonly rows: number
  readonly materials: readonly string[]
  /** Whether it is the store of another machine than this. */
  readonly isElsewhere: boolean
}

/**
 * Puts a copy of a store where none is, under the present store key. It opens as a restored one: nothing is
 * written to any target before somebody has looked. Killed at any moment it can be repeated: the database
 * gets its name last. The caller holds the lock.
 * @throws OperatorError: `refused` when there is a store and it shall not be replaced; `needs-attention`
 *   when the copy is not whole
 */
export async function placeCopy(copy: StoreCopy, placement: Placement): Promise<CheckedCopy> {
  const { stateDir, storeKey, replace } = placement
  const path = databasePath(stateDir)
  if (!replace) refusePresent(stateDir)
  const wrapper = readStoreKey(storeKey)
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const staged = `${path}.new`
  try {
    const { keys, checked } = await stageCopy(staged, copy, placement)
    const keyFile = await keyFileText(keys, wrapper)
    wipeKeys(keys)
    if (checked.isElsewhere && !placement.takeOver) throw otherMachine('the backup')
    moveAside(stateDir, new Date(placement.clock.now()))
    replaceFile(keyFilePath(stateDir), keyFile)
    renameSync(staged, path)
    syncFolder(stateDir)
    return checked
  } finally {
    removeDatabase(staged)
  }
}

/** Looks at a copy without putting it anywhere. @param folder where it may lie meanwhile */
export async function checkCopy(
  folder: string,
  copy: StoreCopy,
  placement: CheckOptions,
): Promise<CheckedCopy> {
  const path = join(folder, 'store.db.check')
  try {
    const { keys, checked } = await stageCopy(path, copy, placement)
    wipeKeys(keys)
    return checked
  } finally {
    removeDatabase(path)
  }
}

async function stageCopy(
  path: string,
  { database, keys: text, key }: StoreCopy,
  { clock, compromised, machineId }: CheckOptions,
): Promise<{ readonly keys: StoreKeys; readonly checked: CheckedCopy }> {
  removeDatabase(path)
  const keys = await openKeyText(text, wrapperOf(key))
  replaceFile(path, database)
  const db = await openDatabase(path, keys.databaseKey)
  try {
    const audit = new AuditLog(db, chainKeys(db, keys))
    const verdict = audit.verify()
    if (!verdict.ok) throw broken(verdict.brokenAt)
    const now = Math.trunc(clock.now())
    db.transaction(() => {
      db.exec('UPDATE store SET restored = 1')
      audit.append(self, { action: 'store.restore', detail: `as of row ${verdict.head.seq}` }, now)
      markCompromised(db, audit, fingerprintKey(db, keys), compromised, now)
    }).immediate()
    const names = db.prepare('SELECT DISTINCT material FROM versions ORDER BY material')
    const materials = names.pluck().all() as string[]
    const machine = String(db.prepare('SELECT machine FROM store').pluck().get())
    const checked = {
      store: keys.store,
      rows: verdict.head.seq,
      materials,
      isElsewhere: isElsewhere(machine, machineName(machineId)),
    }
    return { keys, checked }
  } catch (error) {
    wipeKeys(keys)
    throw error
  } finally {
    db.close()
  }
}

/** What is there is kept: it may be the newer one. */
function moveAside(stateDir: string, now: Date): void {
  const path = databasePath(stateDir)
  const ours = [path, `${path}-wal`, `${path}-shm`, keyFilePath(stateDir)]
  const present = ours.filter((one) => lstatSync(one, { throwIfNoEntry: false }))
  if (present.length === 0) return
  const aside = join(stateDir, `replaced-${now.toISOString().replace(/[-:.]/g, '')}`)
  mkdirSync(aside, { mode: 0o700 })
  for (const one of present) renameSync(one, join(aside, basename(one)))
  syncFolder(aside)
  syncFolder(stateDir)
}

function broken(row: number): OperatorError {
  return new OperatorError(`the audit log of the backup does not fit from row ${row} on`, {
    kind: 'needs-attention',
    hint: 'take another backup, and find out who could change this one',
  })
}
