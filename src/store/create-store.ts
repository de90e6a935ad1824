import { lstatSync, mkdirSync, renameSync } from 'node:fs'
import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import { AuditLog } from './audit.ts'
import { chainKeys } from './chain-keys.ts'
import { createDatabase, databasePath, removeDatabase } from './database.ts'
import { derive } from './derived-keys.ts'
import { self } from './entrance.ts'
import { createKeyFile, keyFilePath, makeKeys, type StoreKeys, wipeKeys } from './key-file.ts'
import { removeMarkers } from './marker.ts'
import { syncFolder } from './replace-file.ts'
import { randomSecret, seal } from './seal.ts'
import { openStore, type Store, type StoreOptions } from './store.ts'
import { readStoreKey } from './store-key.ts'

/**
 * Makes a new store and opens it: only ever when asked explicitly (invariant I9). The caller holds the
 * lock. Killed at any moment, it can be repeated: the database gets its name last, when all is there.
 * @throws OperatorError (refused) when there is a store already, or the keys of one
 */
export async function createStore(options: StoreOptions): Promise<Store> {
  const { stateDir } = options
  const path = databasePath(stateDir)
  const staged = `${path}.new`
  const keyFile = keyFilePath(stateDir)
  const wrapper = readStoreKey(options.storeKey)
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  refusePresent(stateDir)
  if (!exists(keyFile)) {
    const keys = makeKeys()
    await fill(staged, keys, options.clock)
    await createKeyFile(stateDir, keys, wrapper)
    wipeKeys(keys)
  } else if (!exists(staged)) throw alreadyThere(keyFile)
  renameSync(staged, path)
  syncFolder(stateDir)
  // Of a store that was here before: this one is new on purpose.
  removeMarkers(stateDir)
  return openStore(options)
}

/** @throws OperatorError (refused) when there is a store already */
export function refusePresent(stateDir: string): void {
  const path = databasePath(stateDir)
  if (exists(path)) throw alreadyThere(path)
}

async function fill(path: string, keys: StoreKeys, clock: Clock): Promise<void> {
  removeDatabase(path)
  const db = await createDatabase(path, keys.databaseKey)
  const fingerprintKey = randomSecret(32)
  const sealed = seal(derive(keys, 'seal'), fingerprintKey, ['fingerprint key', keys.store])
  fingerprintKey.wipe()
  const audit = new AuditLog(db, chainKeys(db, keys))
  db.transaction(() => {
    db.prepare(`INSERT INTO store VALUES (1, ?, '', 0, 0, 0, ?)`).run(keys.store, sealed)
    audit.append(self, { action: 'store.create', detail: keys.store }, Math.trunc(clock.now()))
  })()
  // Closing writes the log back into the file, syncs it, and leaves nothing beside it.
  db.close()
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function alreadyThere(path: string): OperatorError {
  return new OperatorError(`${path} exists already; a store is never made over another`, {
    kind: 'refused',
    hint: 'start rekeyd with it; or move the whole state_dir away if you want a new, empty store',
  })
}
