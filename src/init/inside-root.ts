import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** As many as Linux follows (path_resolution(7)). */
const mostLinks = 40

/**
 * The file that a path of the host below `root` means, as a process would see it whose root that is: absolute
 * links begin at `root`, and `..` ends there. So nothing outside is ever named.
 * @param root without symbolic links
 * @param path absolute, as the host's own files write it
 * @returns the path from here, without symbolic links; undefined when there is nothing, or the links never end
 */
export function insideRoot(root: string, path: string): string | undefined {
  const rest = path.split('/')
  let at = root
  let links = 0
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      at = at === root ? root : dirname(at)
      continue
    }
    const next = join(at, name)
    const target = linkTarget(next)
    if (target === null) return undefined
    if (target === undefined) {
      at = next
      continue
    }
    links += 1
    if (links > mostLinks) return undefined
    if (target.startsWith('/')) at = root
    rest.unshift(...target.split('/'))
  }
  return at
}

/** @returns null when there is nothing that could be looked at, undefined for what is no link */
function linkTarget(path: string): string | null | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined
  } catch {
    return null
  }
}
