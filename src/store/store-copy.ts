import { readFileSync } from 'node:fs'
import type { SecretBytes } from '../model/secret-bytes.ts'
import { type Database, openDatabase, removeDatabase, vacuumInto } from './database.ts'
import { keyFileText, type StoreKeys } from './key-file.ts'
import { randomSecret } from './seal.ts'
import { storeKeyBytes, wrapperOf } from './store-key.ts'

/** A consistent copy of an open store, which opens by a key of its own. */
export interface StoreCopy {
  /** `store.db` */
  readonly database: Buffer
  /** `store.keys` */
  readonly keys: string
  /** The store key of the copy. Whoever has the copy wipes it. */
  readonly key: SecretBytes
}

/** Of a process that was killed while it made one. */
export function removeLeftCopies(database: string): void {
  removeDatabase(copyPath(database))
}

function copyPath(database: string): string {
  return `${database}.copy`
}

/** Copies the store while it is in use, and opens the copy to see that it is whole. */
export async function copyStore(db: Database, keys: StoreKeys): Promise<StoreCopy> {
  const path = copyPath(db.name)
  removeDatabase(path)
  try {
    vacuumInto(db, path)
    const copy = await openDatabase(path, keys.databaseKey)
    copy.close()
    const key = randomSecret(storeKeyBytes)
    const text = await keyFileText(keys, wrapperOf(key))
    return { database: readFileSync(path), keys: text, key }
  } finally {
    removeDatabase(path)
  }
}
