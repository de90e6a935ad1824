import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { stagedName, stagedPrefix } from '../support/atomic-files.ts'
import { OperatorError } from '../support/operator-error.ts'
import { refuseHotJournal } from './hot-journal.ts'

/** What SQLite keeps beside a database. */
const suffixes = ['-wal', '-shm', '-journal'] as const

/** What lies beside a database while it is written anew: the new file, and a second name of the old one. */
export function stagedFiles(
  path: string,
  tag: string,
): { readonly copy: string; readonly old: string } {
  const name = join(dirname(path), stagedName(basename(path), tag))
  return { copy: `${name}.new`, old: `${name}.old` }
}

/** Removes everything of ours beside a database, of whatever rotation. */
export function removeStaged(path: string): void {
  const prefix = stagedPrefix(basename(path))
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(path), name), { force: true })
  }
}

export function removeWithSideFiles(path: string): void {
  for (const suffix of ['', ...suffixes]) rmSync(path + suffix, { force: true })
}

/**
 * Removes spent side files of a database that nobody has open: left beside a new file, they destroy it.
 * @throws OperatorError when one of them still holds something
 */
export function settleSideFiles(path: string): void {
  refuseHotJournal(path)
  const log = lstatSync(`${path}-wal`, { throwIfNoEntry: false })
  if (log && log.size > 0) {
    throw new OperatorError(`${path}-wal holds transactions that are not in ${path}`, {
      kind: 'busy',
      hint: 'somebody opened the database meanwhile; stop it and try again',
    })
  }
  for (const suffix of suffixes) rmSync(path + suffix, { force: true })
}

/** Gives `copy` the owner and mode of the old file and puts it in its place, durably. */
export function putInPlace(copy: string, path: string, like: Stats, stillWanted: () => void): void {
  const own = lstatSync(copy)
  // Setting what is already so may need a privilege that one does not have.
  if (own.uid !== like.uid || own.gid !== like.gid) chownSync(copy, like.uid, like.gid)
  chmodSync(copy, like.mode & 0o7777)
  sync(copy)
  sync(dirname(path))
  stillWanted()
  renameSync(copy, path)
  sync(dirname(path))
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
