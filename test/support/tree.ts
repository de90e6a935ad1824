import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { join } from 'node:path'

/**
 * What a tree holds: owner, mode, and content or destination of everything in it, by path. Times of folders are left
 * out, and so is the index of a write-ahead log, which readers mark.
 */
export function treeOf(folder: string, skip: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {}
  const walk = (path: string) => {
    if (skip.includes(path)) return
    const stats = lstatSync(path)
    const rights = `${stats.uid}:${stats.gid} ${(stats.mode & 0o7777).toString(8)}`
    found[path] = `${rights} ${contentOf(path, stats)}`
    if (stats.isDirectory()) for (const name of readdirSync(path)) walk(join(path, name))
  }
  walk(folder)
  return found
}

function contentOf(path: string, stats: Stats): string {
  if (stats.isSymbolicLink()) return `-> ${readlinkSync(path)}`
  if (!stats.isFile()) return ''
  if (path.endsWith('-shm')) return 'index'
  const content = createHash('sha256').update(readFileSync(path)).digest('hex')
  return `${stats.ino} ${stats.mtimeMs} ${content}`
}
