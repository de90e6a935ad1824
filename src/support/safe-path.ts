import { isUtf8 } from 'node:buffer'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join, normalize, sep } from 'node:path'
import { membersOf, userName } from './accounts.ts'
import { fileError } from './file-error.ts'
import { hasCode, OperatorError } from './operator-error.ts'

/** Limits of Linux: NAME_MAX, less what a staged name adds, and PATH_MAX. Bytes. */
const longestName = 160
const longestPath = 3900

const forbiddenTrees = ['/proc', '/sys', '/dev']
const forbiddenFiles = new Set([
  '/etc/passwd',
  '/etc/shadow',
  '/etc/group',
  '/etc/gshadow',
  '/etc/sudoers',
])

const writableByGroup = 0o020
const writableByOthers = 0o002
const sticky = 0o1000

/**
 * What is wrong with a path that rekeyd shall write to, by its text alone.
 * @returns undefined when nothing is
 */
export function pathProblem(path: string): string | undefined {
  const name = basename(path)
  const rules: readonly (readonly [boolean, string])[] = [
    [path.includes('\0'), 'a path cannot contain NUL'],
    [!path.startsWith('/'), 'must be an absolute path'],
    [path.split(sep).includes('..'), "must not contain '..'"],
    [path.endsWith('/'), "must not end in '/'"],
    [normalize(path) !== path, "must be written without '.' and '//'"],
    [Buffer.byteLength(path) > longestPath, `is longer than ${longestPath} bytes`],
    [Buffer.byteLength(name) > longestName, `has a last part longer than ${longestName} bytes`],
    [name.includes('.rekeyd-'), "'.rekeyd-' marks files that rekeyd removes by itself"],
    [isForbidden(path), 'is a place that rekeyd never writes to'],
  ]
  return rules.find(([broken]) => broken)?.[1]
}

function isForbidden(path: string): boolean {
  return forbiddenFiles.has(path) || forbiddenTrees.some((tree) => isWithin(path, tree))
}

/** Whether `path` is `tree` or lies in it. Both absolute and resolved. */
export function isWithin(path: string, tree: string): boolean {
  return path === tree || path.startsWith(tree.endsWith('/') ? tree : `${tree}/`)
}

/**
 * The file behind a path, through symbolic links once, so that a rename replaces the file and the link
 * stays a link. A file that does not exist yet is resolved by its folder.
 * @throws OperatorError when a link leads nowhere or in a circle, or the folder is missing
 */
export async function resolveFile(path: string): Promise<string> {
  try {
    return await realText(path)
  } catch (error) {
    if (hasCode(error, 'ELOOP')) throw refused(`${path} is a symbolic link that leads in a circle`)
    if (!hasCode(error, 'ENOENT')) throw fileError(error, 'find', path)
    if (await exists(path)) throw refused(`${path} is a symbolic link that leads nowhere`)
    return join(await resolveFolder(dirname(path)), basename(path))
  }
}

/** @throws OperatorError when it does not exist */
export async function resolveFolder(path: string): Promise<string> {
  return realText(path).catch((error: unknown) => {
    throw fileError(error, 'find', path)
  })
}

/** As text a name that is not UTF-8 would be that of another file. */
async function realText(path: string): Promise<string> {
  const bytes = await realpath(path, { encoding: 'buffer' })
  if (isUtf8(bytes)) return bytes.toString()
  throw refused(`${path} leads to a name that is not UTF-8`, 'rename what it leads to')
}

/**
 * Refuses a folder in which, or on the way to which, anybody but root, us and `owner` could put
 * something else in the place of our file.
 * @param folder resolved
 * @param owner the user who the file belongs to
 */
export async function refuseUnsafeParents(folder: string, owner?: number): Promise<void> {
  const trusted = new Set([0, process.geteuid?.() ?? 0, ...(owner === undefined ? [] : [owner])])
  for (let path = folder, last = true; ; path = dirname(path), last = false) {
    const { uid, gid, mode } = await lstat(path).catch((error: unknown) => {
      throw fileError(error, 'look at', path)
    })
    if (!trusted.has(uid)) {
      const name = await userName(uid)
      throw refused(
        `${path} belongs to ${name}, who could replace what rekeyd writes there`,
        `if ${name} is to own the file, say so (\`owner: ${name}\`); else use another folder`,
      )
    }
    // In a sticky folder such as /tmp nobody can move what others own; but names are free for all.
    const guarded = !last && (mode & sticky) !== 0
    if (!guarded && (await isOpen(mode, gid, trusted))) {
      throw refused(`${path} is writable by other users`, `chmod go-w ${path}`)
    }
    if (path === dirname(path)) return
  }
}

async function isOpen(mode: number, gid: number, trusted: ReadonlySet<number>): Promise<boolean> {
  if ((mode & writableByOthers) !== 0) return true
  if ((mode & writableByGroup) === 0) return false
  return [...(await membersOf(gid))].some((member) => !trusted.has(member))
}

/** Whether something is mounted on exactly this path: a single file mounted into a container. */
export async function isMountPoint(path: string): Promise<boolean> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').some((line) => unescapeOctal(line.split(' ')[4] ?? '') === path)
}

/** proc(5): space, tab, newline and backslash are written as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(parseInt(digits, 8)),
  )
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function refused(message: string, hint?: string): OperatorError {
  return new OperatorError(message, { kind: 'refused', ...(hint !== undefined && { hint }) })
}
