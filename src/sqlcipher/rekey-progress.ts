import { lstatSync } from 'node:fs'
import { stagedFiles } from './side-files.ts'

/** How far a re-encryption is. */
export interface RekeyProgress {
  readonly doing: 're-encrypting' | 'proving'
  /** Bytes of {@link total}; never less than before. */
  readonly done: number
  /** The size of the database. */
  readonly total: number
  readonly unit: 'bytes'
}

/** Between two looks, in milliseconds. */
const pace = 1_000
/** What lies in the journal of a copy whose pages are not being re-encrypted yet is smaller. Bytes. */
const idleJournal = 4_096

/**
 * Looks how far the child is, by the sizes of its files: SQLite tells nothing meanwhile, and opening the
 * database here would drop locks. Reports nothing of what is over before the first look.
 */
export function watchRekey(path: string, tag: string, report: (progress: RekeyProgress) => void) {
  const look = progressOf(path, tag)
  let last: RekeyProgress | undefined
  const timer = setInterval(() => {
    const seen = look()
    if (seen) report((last = seen))
  }, pace)
  return {
    /** All is proved and in place. */
    finish() {
      if (last) report({ ...last, done: last.total })
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/**
 * A function that says how far it is now; undefined before there is a copy, and after. Every page is
 * written twice, which counts half each time: into the copy, and then under the new key, for which the
 * rollback journal of the copy takes up the page as it was.
 */
export function progressOf(path: string, tag: string): () => RekeyProgress | undefined {
  const { copy, old } = stagedFiles(path, tag)
  let total: number | undefined
  let done = 0
  let isRekeyed = false
  return () => {
    const [copied, journal] = [sizeOf(copy), sizeOf(`${copy}-journal`)]
    total ??= sizeOf(old)
    if (!total || copied === undefined) return undefined
    isRekeyed ||= (journal ?? 0) > idleJournal
    const passes = isRekeyed ? 1 + share(journal ?? copied, copied) : share(copied, total)
    done = Math.max(done, Math.floor((total * passes) / 2))
    const doing = isRekeyed && journal === undefined ? 'proving' : 're-encrypting'
    return { doing, done, total, unit: 'bytes' }
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole)
}

/** Undefined where it is not there, or cannot be told: it is for show only. */
function sizeOf(path: string): number | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.size
  } catch {
    return undefined
  }
}
