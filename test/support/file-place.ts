import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TargetContext } from '../../src/targets/target.ts'

/** For targets that ask for nothing of it. */
export const targetContext: TargetContext = {
  material: 'it',
  stateDir: '/var/lib/rekeyd-of-tests',
  storeKey: { credential: 'store-key' },
  editionOf: async () => undefined,
}

/** Bytes, owner and mode of a file, or where a link points; undefined when absent. */
export async function snapshotOf(path: string): Promise<unknown> {
  try {
    const stats = await lstat(path)
    if (stats.isSymbolicLink()) return { link: await readlink(path) }
    const { uid, gid, mode } = stats
    return { content: (await readFile(path)).toString('latin1'), uid, gid, mode }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Names beside `path` that rekeyd made, but for those in `except`. */
export async function leftoversBeside(path: string, except: readonly string[] = []) {
  const names = await readdir(dirname(path))
  return names.filter((name) => name.includes('.rekeyd-') && !except.includes(name))
}
