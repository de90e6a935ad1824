import { statfs } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { inspectPath, stagedName } from '../support/atomic-files.ts'
import { Folder } from '../support/folder.ts'
import { OperatorError } from '../support/operator-error.ts'
import { refusePlace, tidyBeside } from './live-file.ts'
import { targetPath } from './written-part.ts'

/** `f_type` of file systems over a network, whose locks cannot be relied on (statfs(2)). */
const networks = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x5346414f])
/** Bytes beyond what the new file and its rollback journal take. */
const spareSpace = 1024 * 1024

/** The option of a consumer's database. SQLite's binding trims names, so blank ends would name another file. */
export const databasePath = targetPath.refine((path) => path.trim() === path, {
  error: 'begins or ends with a blank',
})

/**
 * Proves that a new file could take the database's place: by making and removing one beside it.
 * @throws OperatorError with the exact path and the fix
 */
export async function checkDatabasePlace(path: string, stateDir: string): Promise<void> {
  // What a crash left is a second name of the file, which would be refused.
  await tidyBeside(path, () => false)
  const { path: resolved, stats } = await inspectPath(path)
  refusePlace(resolved, stateDir)
  await using folder = await Folder.open(dirname(resolved))
  const { type } = await statfs(folder.path)
  if (networks.has(type)) {
    throw new OperatorError(`${resolved} is on a network file system`, {
      kind: 'refused',
      hint: 'locks do not hold there; run rekeyd where the database is local',
    })
  }
  const owner = stats && { uid: Number(stats.uid), gid: Number(stats.gid) }
  await folder.probe(stagedName(basename(resolved), 'check'), { ...owner, mode: 0o600 })
  const needed = 2 * Number(stats?.size ?? 0) + spareSpace
  if ((await folder.freeSpace()) >= needed) return
  throw new OperatorError(`too little space is free beside ${resolved}`, {
    hint: `the new file and its journal take up to ${Math.ceil(needed / spareSpace)} MiB`,
  })
}
