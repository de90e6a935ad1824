import { constants, copyFileSync, existsSync } from 'node:fs'
import { OperatorError } from '../support/operator-error.ts'
import type { PageKey } from './database-key.ts'
import { refuseHotJournal } from './hot-journal.ts'
import { explained, openDatabase } from './open-database.ts'
import { type CipherVersion, pageFormats, usesLog } from './page-format.ts'
import { readFirstPage } from './page-key.ts'
import { writeCopy } from './seized-database.ts'

/**
 * Copies a database as it is now, under the same key and without a log, while its consumer may have it open.
 * Nothing is left beside it: opening one with a log that nobody else has open would leave an index that is ours.
 * @throws HotJournal, with nothing opened; OperatorError `busy` when somebody opens it meanwhile
 */
export async function takeSnapshot(
  path: string,
  copy: string,
  cipher: CipherVersion,
  key: PageKey,
): Promise<void> {
  refuseHotJournal(path)
  const first = await readFirstPage(path, cipher)
  const hasLog = first.state === 'encrypted' && usesLog(first.page, key.key, pageFormats[cipher])
  if (hasLog && !isOpened(path)) return copyAtRest(path, copy, cipher, key)
  const lock = await openDatabase(path, { unlock: { cipher, key }, readonly: true })
  try {
    writeCopy({ lock, copy, path })
  } finally {
    lock.close()
  }
}

async function copyAtRest(
  path: string,
  copy: string,
  cipher: CipherVersion,
  key: PageKey,
): Promise<void> {
  for (const suffix of ['', '-wal']) {
    if (!existsSync(path + suffix)) continue
    copyFileSync(path + suffix, copy + suffix, constants.COPYFILE_EXCL)
  }
  if (isOpened(path)) {
    throw new OperatorError(`${path} was opened while it was copied`, {
      kind: 'busy',
      hint: 'try again; nothing was changed',
    })
  }
  const db = await openDatabase(copy, { unlock: { cipher, key }, shownAs: path })
  try {
    db.pragma('journal_mode = DELETE')
  } catch (error) {
    throw explained(error, path)
  } finally {
    db.close()
  }
}

/** Whoever uses the log has its index; it goes with the last one, unless that was killed. */
function isOpened(path: string): boolean {
  return existsSync(`${path}-shm`)
}
