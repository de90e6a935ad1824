import { linkSync, lstatSync, type Stats } from 'node:fs'
import { OperatorError } from '../support/operator-error.ts'
import { complaintsOf, type DatabaseFacts, differences, factsOf } from './database-facts.ts'
import type { PageKey } from './database-key.ts'
import { refuseHotJournal } from './hot-journal.ts'
import { walkPages } from './integrity.ts'
import { type Database, explained, openDatabase } from './open-database.ts'
import type { CipherVersion } from './page-format.ts'
import {
  putInPlace,
  removeStaged,
  removeWithSideFiles,
  settleSideFiles,
  stagedFiles,
} from './side-files.ts'

/** A database that nobody else can open until {@link release}. */
export interface SeizedDatabase {
  readonly path: string
  readonly cipher: CipherVersion
  /** The new file beside it, which {@link replace} puts in its place. */
  readonly copy: string
  /** A second name of the old file, under which it is locked; it stays after {@link replace}. */
  readonly old: string
  readonly facts: DatabaseFacts
  readonly stats: Stats
  readonly lock: Database
}

/**
 * Takes the database of a stopped consumer for us alone. Its write-ahead log is brought home; then an
 * exclusive lock is held through a second name of the file. So our engine's side files are called
 * differently from the consumer's and can be removed while it starts; and no rollback journal ever lies
 * beside the live database, where the consumer's engine would play it back and destroy it.
 * @param tag the rotation's id
 * @throws HotJournal when the consumer was cut off; OperatorError when somebody else has it open
 */
export async function seize(
  path: string,
  tag: string,
  cipher: CipherVersion,
  key: PageKey,
): Promise<SeizedDatabase> {
  const { copy, old } = stagedFiles(path, tag)
  removeStaged(path)
  refuseHotJournal(path)
  const stats = lstatOnly(path)
  checkpoint(await openDatabase(path, { unlock: { cipher, key } }), path)
  linkSync(path, old)
  let lock: Database | undefined
  try {
    const unlock = { cipher, key }
    lock = await openDatabase(old, { unlock, exclusive: true, shownAs: path })
    settleSideFiles(path)
    return { path, cipher, copy, old, facts: factsOf(lock), stats, lock }
  } catch (error) {
    lock?.close()
    removeStaged(path)
    throw explained(error, path)
  }
}

/** Writes all of it anew, under the same key, to {@link SeizedDatabase.copy}. */
export function writeCopy({
  lock,
  copy,
  path,
}: Pick<SeizedDatabase, 'lock' | 'copy' | 'path'>): void {
  try {
    lock.prepare('VACUUM INTO ?').run(copy)
  } catch (error) {
    throw explained(error, path)
  }
}

/**
 * Proves that the copy opens with `key`, is sound to the last page and holds what the old file holds. It
 * gets the old one's journal mode.
 */
export async function prove(
  seized: Pick<SeizedDatabase, 'copy' | 'cipher' | 'facts' | 'path'>,
  key: PageKey,
): Promise<void> {
  const { copy, cipher, facts, path } = seized
  const db = await openDatabase(copy, { unlock: { cipher, key } })
  try {
    const [complaint] = complaintsOf(db)
    if (complaint !== undefined) throw unlike(path, `integrity_check says ${complaint}`)
    if (facts.journalMode === 'wal') db.pragma('journal_mode = WAL')
    const different = differences(facts, factsOf(db))
    if (different.length > 0) throw unlike(path, `${different.join(', ')} differ`)
  } finally {
    db.close()
  }
  const { pages, damaged } = await walkPages(copy, key, cipher)
  if (pages === 0 || damaged > 0) throw unlike(path, `${damaged} of ${pages} pages are not sealed`)
}

/**
 * Puts the copy in the place of the old file, durably.
 * @param stillWanted throws when nobody waits for this any more; asked at the last moment
 */
export function replace(seized: SeizedDatabase, stillWanted: () => void): void {
  const { path, copy, stats } = seized
  settleSideFiles(copy)
  settleSideFiles(path)
  if (lstatOnly(path, 2).ino !== stats.ino) {
    throw new OperatorError(`${path} was replaced meanwhile`, {
      kind: 'busy',
      hint: 'see who wrote it; the new file was left as it is',
    })
  }
  putInPlace(copy, path, stats, stillWanted)
}

/** Lets others open it again. What is not in place by then is removed. */
export function release({ lock, copy, old, path, stats }: SeizedDatabase): void {
  lock.close()
  removeWithSideFiles(copy)
  const replaced = lstatSync(path, { throwIfNoEntry: false })?.ino !== stats.ino
  if (!replaced) removeWithSideFiles(old)
}

/** Everything into the main file. In other modes than WAL there is nothing to do. */
function checkpoint(db: Database, path: string): void {
  try {
    if (db.pragma('journal_mode', { simple: true }) !== 'wal') return
    const busy = db.pragma('wal_checkpoint(TRUNCATE)', { simple: true })
    if (busy !== 0) throw new OperatorError(`${path} is in use`, { kind: 'busy' })
  } catch (error) {
    throw explained(error, path)
  } finally {
    db.close()
  }
}

/** @throws OperatorError unless it is a regular file with that many names */
function lstatOnly(path: string, names = 1): Stats {
  const stats = lstatSync(path)
  if (stats.isFile() && stats.nlink === names) return stats
  throw new OperatorError(`${path} is no regular file, or has other names (hard links)`, {
    kind: 'refused',
    hint: `find them with \`find -samefile ${path}\``,
  })
}

function unlike(path: string, what: string): OperatorError {
  return new OperatorError(`the new file for ${path} is not like the old one: ${what}`, {
    hint: 'nothing was changed; check the database with the consumer’s own tools',
  })
}
