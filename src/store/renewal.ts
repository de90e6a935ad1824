import { lstatSync, renameSync } from 'node:fs'
import { opensPage, readFirstPage } from '../sqlcipher/page-key.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { AuditLog } from './audit.ts'
import { chainKeys, retireChainKey } from './chain-keys.ts'
import {
  type Database,
  databasePath,
  isFull,
  openDatabase,
  rekeyDatabase,
  removeDatabase,
  vacuumInto,
} from './database.ts'
import { derive } from './derived-keys.ts'
import { self } from './entrance.ts'
import {
  endRenewal,
  isRenewalDue,
  nextKeys,
  openKeyFile,
  type StoreKeys,
  tidyKeyFile,
  wipeKeys,
  wrapIds,
} from './key-file.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import { syncFolder } from './replace-file.ts'
import { reseal } from './reseal.ts'

/**
 * The store's keys; new ones where somebody else may have the present ones (`compromise` of the store
 * key): everything is written into a new file under a new database key and a new data key, which then
 * takes the place of the old one. Killed at any moment, the next opening goes on. What cannot be
 * renewed now (no space) stays due, and the store opens as it is. The caller holds the lock and has no
 * connection to the database.
 * @param wrapper the store key
 * @param now epoch milliseconds, for the audit row
 * @throws OperatorError as {@link openKeyFile} does
 */
export async function presentKeys(
  stateDir: string,
  wrapper: KeyWrapper,
  now: number,
): Promise<StoreKeys> {
  const keys = await openKeyFile(stateDir, wrapper)
  tidyKeyFile(stateDir)
  // Under the key that is being replaced nothing is renewed: a later start has the new one.
  if (!isRenewalDue(stateDir) || wrapIds(stateDir).at(-1) !== wrapper.keyId) return keys
  return renew(stateDir, wrapper, keys, now)
}

async function renew(
  stateDir: string,
  wrapper: KeyWrapper,
  keys: StoreKeys,
  now: number,
): Promise<StoreKeys> {
  const path = databasePath(stateDir)
  const next = await unlessFull(() => nextKeys(stateDir, wrapper))
  if (!next) return keys
  if (!(await opensWith(path, next))) {
    const written = await unlessFull(async () => {
      await writeRenewed(path, keys, next, now)
      return true
    })
    if (!written) {
      wipeKeys(next)
      return keys
    }
    renameSync(renewedPath(path), path)
    syncFolder(stateDir)
  }
  wipeKeys(keys)
  // Where this finds no room, the next opening finds the database renewed.
  await unlessFull(async () => endRenewal(stateDir))
  return next
}

/** Undefined when there was no room: the store opens all the same. */
async function unlessFull<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const cause = error instanceof OperatorError ? error.cause : error
    if (hasCode(cause, 'ENOSPC', 'EDQUOT') || isFull(cause)) return undefined
    throw error
  }
}

function renewedPath(path: string): string {
  return `${path}.renewed`
}

/** By the MAC of its first page: SQLite, asked with a wrong key, might play a log back. */
async function opensWith(path: string, { databaseKey }: StoreKeys): Promise<boolean> {
  const first = await readFirstPage(path, 4)
  if (first.state !== 'encrypted') return false
  return opensPage(first.page, { form: 'raw', bytes: databaseKey.bytes }, 4)
}

async function writeRenewed(
  path: string,
  keys: StoreKeys,
  next: StoreKeys,
  now: number,
): Promise<void> {
  const renewed = renewedPath(path)
  removeDatabase(renewed)
  const db = await openDatabase(path, keys.databaseKey)
  try {
    vacuumInto(db, renewed)
  } finally {
    db.close()
  }
  refuseLog(path)
  const copy = await openDatabase(renewed, keys.databaseKey)
  try {
    rekeyDatabase(copy, next.databaseKey)
    copy.transaction(() => exchange(copy, keys, next, now)).immediate()
  } finally {
    // Closing writes the log back and syncs.
    copy.close()
  }
  refuseLog(renewed)
}

function exchange(copy: Database, keys: StoreKeys, next: StoreKeys, now: number): void {
  const former = new AuditLog(copy, chainKeys(copy, keys))
  reseal(copy, derive(keys, 'seal'), derive(next, 'seal'))
  retireChainKey(copy, keys, next, former.head().seq)
  new AuditLog(copy, chainKeys(copy, next)).append(self, { action: 'store.renew' }, now)
}

/** Beside the new file a log of the old one would be taken for its own. */
function refuseLog(path: string): void {
  if (!lstatSync(`${path}-wal`, { throwIfNoEntry: false })) return
  throw new OperatorError(`${path}-wal could not be written back`, {
    hint: 'make room on its file system; the next start tries again',
  })
}
