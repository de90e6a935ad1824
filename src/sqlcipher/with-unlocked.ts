import { OperatorError } from '../support/operator-error.ts'
import { databaseKeyOf, type KeyEdition } from './database-key.ts'
import type { CipherVersion } from './page-format.ts'
import type { RowUnlock } from './row.ts'

/** A database whose key is a material of its own. */
export interface KeyedDatabase {
  readonly path: string
  /** Absent where it is not encrypted. */
  readonly db_key?: { readonly material: string } | undefined
  readonly cipher: CipherVersion
}

/**
 * Looks the key up for as long as it is used.
 * @param editionOf gives the active edition of a material
 * @throws OperatorError when there is none yet
 */
export async function withUnlocked<T>(
  { path, db_key: key, cipher }: KeyedDatabase,
  editionOf: (material: string) => Promise<KeyEdition | undefined>,
  use: (unlock: RowUnlock | undefined) => Promise<T>,
): Promise<T> {
  if (!key) return use(undefined)
  const edition = await editionOf(key.material)
  if (!edition) {
    throw new OperatorError(`${path} cannot be opened: there is no ${key.material} yet`, {
      hint: `adopt ${key.material} first`,
    })
  }
  const unlock = { cipher, key: await databaseKeyOf(edition) }
  return use(unlock).finally(() => unlock.key.bytes.fill(0))
}
