import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What there is to tell about a name. */
interface Entry {
  /** Type, mode, owner, size, and content. */
  readonly state: string
  /** Tells it from a copy. */
  readonly identity: string
}

/** Everything below some folders, by path; a path that is not UTF-8 has one character for each byte. */
export type Tree = ReadonlyMap<string, Entry>

export function treeOf(...folders: readonly string[]): Tree {
  const tree = new Map<string, Entry>()
  for (const folder of folders) look(Buffer.from(folder), tree)
  return tree
}

function look(path: Buffer, tree: Map<string, Entry>): void {
  const stats = lstatSync(path)
  const { mode, uid, gid, size, ino, mtimeMs } = stats
  // The size of a folder, and its times, follow from what is in it.
  const isFolder = stats.isDirectory()
  const content = stats.isSymbolicLink()
    ? readlinkSync(path, 'latin1')
    : stats.isFile()
      ? readFileSync(path, 'latin1')
      : ''
  tree.set(nameOf(path), {
    state: [mode.toString(8), uid, gid, isFolder ? '' : size, content].join(' '),
    identity: isFolder ? String(ino) : `${ino} ${mtimeMs}`,
  })
  if (!isFolder) return
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    look(Buffer.concat([path, Buffer.from('/'), name]), tree)
  }
}

function nameOf(path: Buffer): string {
  const text = path.toString('utf8')
  return Buffer.from(text).equals(path) ? text : path.toString('latin1')
}

/**
 * Compares two looks at the same folders.
 * @param isOurs whether a path may be replaced by a copy of itself
 * @returns what is different, one line each
 */
export function differences(
  before: Tree,
  after: Tree,
  isOurs: (path: string) => boolean = () => false,
): readonly string[] {
  const gone = [...before.keys()]
    .filter((path) => !after.has(path))
    .map((path) => `${path} is gone`)
  const others = [...after].flatMap(([path, { state, identity }]) => {
    const was = before.get(path)
    if (!was) return [`${path} is new`]
    if (was.state !== state) return [`${path} was ${was.state}, is ${state}`]
    return was.identity === identity || isOurs(path) ? [] : [`${path} was replaced`]
  })
  return [...gone, ...others].map((line) => JSON.stringify(line.slice(0, 600)))
}
