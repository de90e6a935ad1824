import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  type BigIntStats,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'

/** Everything in a folder, by its path: what it is, whose, which inode, and for what is no folder when it changed. */
export type Tree = ReadonlyMap<string, string>

/** Byte for byte, and by inode: what was written again with the same content is not what was there. */
export function treeOf(folder: string): Tree {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
  return new Map(names.map((name) => [name, describe(join(folder, name))]))
}

/** In words, how the one differs from the other. */
export function differences(before: Tree, now: Tree): readonly string[] {
  const names = new Set([...before.keys(), ...now.keys()])
  return [...names].flatMap((name) => {
    const [old, present] = [before.get(name), now.get(name)]
    if (old === present) return []
    return [`${name} is ${present ?? 'gone'}, was ${old ?? 'not there'}`]
  })
}

/** Puts a copy in the place of whatever is there, sockets and times included. */
export function replaceWith(copy: string, path: string): void {
  rmSync(path, { recursive: true, force: true })
  execFileSync('cp', ['-a', copy, path])
}

function describe(path: string): string {
  const stats = lstatSync(path, { bigint: true })
  const { mode, uid, gid, ino, mtimeNs } = stats
  const owned = `${(mode & 0o7777n).toString(8)} ${uid}:${gid} inode ${ino}`
  if (stats.isDirectory()) return `a folder, ${owned}`
  return `${contentOf(path, stats)}, ${owned} of ${mtimeNs}`
}

function contentOf(path: string, stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return `a link to ${readlinkSync(path)}`
  if (!stats.isFile()) return 'neither file nor folder'
  const content = readFileSync(path)
  if (content.length < 100) return `a file with ${JSON.stringify(content.toString('latin1'))}`
  return `a file of ${content.length} bytes with ${createHash('sha256').update(content).digest('hex')}`
}
