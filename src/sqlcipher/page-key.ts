import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { type DatabaseKey, type PageKey, pageKeyOf, saltOf } from './database-key.ts'
import {
  type CipherVersion,
  deriveMacKey,
  isSealed,
  pageFormats,
  saltLength,
} from './page-format.ts'

/** What the first page of a database file says without any key. */
export type FirstPage =
  | { readonly state: 'absent' | 'empty' | 'plaintext' | 'too short' }
  | { readonly state: 'encrypted'; readonly page: Buffer; readonly inode: bigint }

const plaintextMagic = Buffer.from('SQLite format 3\0')

/**
 * Reads page 1 of a database. With a write-ahead log it may be older than what SQL shows, but the key is
 * the same. Never in a process that has the database open: closing the file drops SQLite's locks.
 * @throws OperatorError for anything but a regular file
 */
export async function readFirstPage(path: string, cipher: CipherVersion): Promise<FirstPage> {
  const { pageSize } = pageFormats[cipher]
  try {
    // Without O_NONBLOCK a FIFO would hold one of the few threads for files until somebody writes to it.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await file.stat({ bigint: true })
    if (!stats.isFile()) {
      throw new OperatorError(`${path} is not a regular file`, { kind: 'refused' })
    }
    const page = Buffer.alloc(pageSize)
    const { bytesRead } = await file.read(page, 0, pageSize, 0)
    if (bytesRead === 0) return { state: 'empty' }
    if (page.subarray(0, plaintextMagic.length).equals(plaintextMagic)) {
      return { state: 'plaintext' }
    }
    if (bytesRead < pageSize) return { state: 'too short' }
    return { state: 'encrypted', page, inode: stats.ino }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { state: 'absent' }
    throw error
  }
}

/**
 * The page key if page 1 is sealed under `key`, else undefined. Opens nothing: what SQLite does to a
 * database that another engine left in the middle of a transaction cannot be undone.
 */
export async function openPage(
  page: Buffer,
  key: DatabaseKey,
  cipher: CipherVersion,
): Promise<PageKey | undefined> {
  const format = pageFormats[cipher]
  const salt = Buffer.from(page.subarray(0, saltLength))
  if (!(saltOf(key)?.equals(salt) ?? true)) return undefined
  const pageKey = await pageKeyOf(key, salt, format)
  const macKey = await deriveMacKey(pageKey.key, salt, format)
  if (isSealed(page, 1, macKey, format)) return pageKey
  pageKey.key.fill(0)
  return undefined
}

/** Whether page 1 is sealed under `key`. */
export async function opensPage(
  page: Buffer,
  key: DatabaseKey,
  cipher: CipherVersion,
): Promise<boolean> {
  const pageKey = await openPage(page, key, cipher)
  pageKey?.key.fill(0)
  return pageKey !== undefined
}
