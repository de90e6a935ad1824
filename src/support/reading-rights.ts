import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Account } from './accounts.ts'
import { runCommand } from './run-command.ts'

/** Whose a file or folder is, and what its mode lets whom do. */
export interface Rights {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

const read = 0o4
const pass = 0o1

/** Whether the mode lets the account read it. ACLs are not looked at: see {@link hasAcl}. */
export function mayRead(rights: Rights, account: Account): boolean {
  return may(read, rights, account)
}

/**
 * The first folder on the way to `path`, from the root, that the account may not pass; undefined when it may pass
 * all of them. A folder that cannot be looked at is taken for passable: somebody else's business.
 * @param path without symbolic links
 */
export async function impassable(path: string, account: Account): Promise<string | undefined> {
  const folders: string[] = []
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    folders.unshift(folder)
    if (folder === dirname(folder)) break
  }
  for (const folder of folders) {
    const stats = await lstat(folder).catch(() => undefined)
    if (stats && !may(pass, stats, account)) return folder
  }
  return undefined
}

/** Whether an access control list may let somebody in whom the mode keeps out: `ls` shows a `+` then. */
export async function hasAcl(path: string): Promise<boolean> {
  const request = {
    argv: ['/bin/ls', '-ld', '--', path],
    environment: { LC_ALL: 'C' },
    signal: AbortSignal.timeout(5_000),
    timeout: 5_000,
  }
  const shown = await runCommand(request).catch(() => undefined)
  return /^\S{10}\+/.test(shown?.stdout.toString('latin1') ?? '')
}

/** The kernel looks at one triple only: that of the owner, else of the group, else of all others. */
function may(bit: number, { uid, gid, mode }: Rights, account: Account): boolean {
  if (account.uid === 0) return true
  if (account.uid === uid) return (mode & (bit << 6)) !== 0
  if (account.gids.includes(gid)) return (mode & (bit << 3)) !== 0
  return (mode & bit) !== 0
}
