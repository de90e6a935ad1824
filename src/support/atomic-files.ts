import { type BigIntStats, constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type FileAttributes, Folder } from './folder.ts'
import { hasCode, OperatorError } from './operator-error.ts'
import { isMountPoint, refuseUnsafeParents, resolveFile, resolveFolder } from './safe-path.ts'

/** The beginning of every name that rekeyd makes beside a live one. */
export function stagedPrefix(name: string): string {
  return `.${name}.rekeyd-`
}

/**
 * The name of a staged file, in the folder of the live one.
 * @param tag a rotation id: letters, digits, `-` and `_`
 */
export function stagedName(name: string, tag: string): string {
  if (!/^[\w-]{1,80}$/.test(tag)) throw new RangeError('a tag is 1 to 80 letters, digits, - or _')
  return stagedPrefix(name) + tag
}

/**
 * Writes `bytes` beside `live`, synced and complete, in place of an earlier one with the same tag.
 * @returns the path of the staged file
 * @throws OperatorError for what the file system refuses; nothing is left then
 */
export async function stageFile(
  live: string,
  tag: string,
  bytes: Uint8Array,
  attributes: FileAttributes,
): Promise<string> {
  await using folder = await openFolderOf(live)
  const name = stagedName(basename(live), tag)
  await folder.write(name, bytes, attributes)
  return join(folder.path, name)
}

/** Puts a staged file in the place of the live one, in the same folder, durably. */
export async function switchFile(staged: string, live: string): Promise<void> {
  await using folder = await openFolderOf(live)
  await folder.switch(basename(staged), basename(live))
}

/** A name that was made, renamed or removed survives a power cut only after this. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await Folder.open(await resolveFolder(path))
  await folder.sync()
}

/** A path that is safe to replace. */
export interface InspectedPath {
  /** Without symbolic links. */
  readonly path: string
  /** Undefined when nothing is there yet. */
  readonly stats?: BigIntStats
}

/**
 * Finds the file behind `path` and refuses what cannot be replaced safely: anything but a regular file
 * with one name, a file that is mounted by itself or immutable, a folder that others may write to.
 * @param owner the user who is to own the file, if not its present owner
 * @throws OperatorError with the exact path and the fix
 */
export async function inspectPath(path: string, owner?: number): Promise<InspectedPath> {
  const resolved = await resolveFile(path)
  const stats = await statOf(resolved)
  if (stats) await refuseUnfit(resolved, stats)
  const keeper = owner ?? (stats && Number(stats.uid))
  await refuseUnsafeParents(dirname(resolved), keeper)
  return { path: resolved, ...(stats && { stats }) }
}

async function refuseUnfit(path: string, stats: BigIntStats): Promise<void> {
  if (!stats.isFile()) throw refused(`${path} is ${typeOf(stats)}, not a regular file`)
  if (stats.nlink > 1n) {
    throw refused(
      `${path} has ${stats.nlink} names (hard links): a rename would separate them`,
      `find the others with \`find -samefile ${path}\` and make them symbolic links`,
    )
  }
  if (await isMountPoint(path)) {
    throw refused(
      `${path} is mounted as a single file and cannot be replaced`,
      `mount the folder ${dirname(path)} instead`,
    )
  }
  if (await isImmutable(path)) throw refused(`${path} is immutable`, `chattr -i ${path}`)
}

/** The kernel answers EPERM for an immutable file, EACCES for one that merely is not ours to write. */
async function isImmutable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => false,
    (error: unknown) => hasCode(error, 'EPERM'),
  )
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  await using folder = await openFolderOf(path)
  return await folder.stat(basename(path))
}

async function openFolderOf(path: string): Promise<Folder> {
  return Folder.open(await resolveFolder(dirname(path)))
}

function typeOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  return stats.isSymbolicLink() ? 'a symbolic link' : 'a device'
}

function refused(message: string, hint?: string): OperatorError {
  return new OperatorError(message, { kind: 'refused', ...(hint !== undefined && { hint }) })
}
