import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { groupId, userId } from '../support/accounts.ts'
import { inspectPath, stagedPrefix } from '../support/atomic-files.ts'
import { type FileAttributes, type FileContent, Folder } from '../support/folder.ts'
import { OperatorError } from '../support/operator-error.ts'
import { isWithin, pathProblem } from '../support/safe-path.ts'
import type { TargetFile } from './target.ts'

/** Bytes. Larger files are not configuration; whole files are read, held and sealed. */
export const largestFile = 8 * 1024 * 1024

const permissionBits = 0o777
const newFileMode = 0o600
const spareSpace = 1024 * 1024

/** Who is to own what is written, as configured. */
export interface Ownership {
  readonly owner?: string | number | undefined
  readonly group?: string | number | undefined
  /** Octal digits. */
  readonly mode?: string | undefined
}

/** A live file that was found safe to replace, with its folder held open. */
export class LiveFile {
  readonly path: string
  readonly name: string
  readonly folder: Folder
  readonly found: FileContent | undefined
  /** What a file that takes its place shall have. */
  readonly attributes: FileAttributes

  private constructor(
    folder: Folder,
    name: string,
    attributes: FileAttributes,
    found?: FileContent,
  ) {
    this.folder = folder
    this.name = name
    this.path = join(folder.path, name)
    this.found = found
    this.attributes = attributes
  }

  /** @throws OperatorError with the exact path and the fix */
  static async open(path: string, ownership: Ownership, stateDir: string): Promise<LiveFile> {
    const { owner, group, mode } = ownership
    const uid = owner === undefined ? undefined : await userId(owner)
    const gid = group === undefined ? undefined : await groupId(group)
    const { path: resolved } = await inspectPath(path, uid)
    refusePlace(resolved, stateDir)
    const folder = await Folder.open(dirname(resolved))
    try {
      const name = basename(resolved)
      const found = await folder.read(name, largestFile)
      const wanted = wantedAttributes(found, uid, gid, mode)
      return new LiveFile(folder, name, wanted, found)
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.found?.content.fill(0)
    await this.folder[Symbol.asyncDispose]()
  }

  /** Whether owner, group and mode are as wanted already. */
  get isOwnedAsWanted(): boolean {
    if (!this.found) return false
    const { uid, gid, mode } = attributesOf(this.found)
    const wanted = this.attributes
    return wanted.uid === uid && wanted.gid === gid && wanted.mode === mode
  }
}

/** @throws OperatorError unless four times `size` bytes and a megabyte are free beside `path` */
export async function refuseLowSpace(folder: Folder, path: string, size: number): Promise<void> {
  if ((await folder.freeSpace()) >= 4 * size + spareSpace) return
  throw new OperatorError(`too little space is free beside ${path}`, {
    hint: 'free space on this file system',
  })
}

/** Stages content; the switch is somebody else's. */
export async function stageBeside(
  live: LiveFile,
  name: string,
  content: Uint8Array,
): Promise<void> {
  await refuseLowSpace(live.folder, live.path, content.length)
  await live.folder.write(name, content, live.attributes)
}

/** What the file system says of a file, as {@link FileAttributes}. */
export function attributesOf({ stats }: FileContent): Required<FileAttributes> {
  return {
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode) & permissionBits,
  }
}

/** Those of a file's attributes that are not configured: rekeyd never changes them, so only others did. */
export function leftAlone(found: FileContent, configured: Ownership): Partial<FileAttributes> {
  const { uid, gid, mode } = attributesOf(found)
  return {
    ...(configured.owner === undefined && { uid }),
    ...(configured.group === undefined && { gid }),
    ...(configured.mode === undefined && { mode }),
  }
}

/** A file with these attributes, for {@link Target.files}: what is left open is as the system makes it. */
export function fileOf(path: string, attributes: FileAttributes, part?: string): TargetFile {
  const { uid = process.geteuid?.() ?? 0, gid = process.getegid?.() ?? 0, mode } = attributes
  return { path, uid, gid, mode, ...(part !== undefined && { part }) }
}

/** Refuses what no path may lead to, now that links are resolved. */
export function refusePlace(resolved: string, stateDir: string): void {
  const problem = isWithin(resolved, resolveEarly(stateDir))
    ? "lies in rekeyd's own state directory"
    : pathProblem(resolved)
  if (problem !== undefined) {
    throw new OperatorError(`${resolved} ${problem}`, {
      kind: 'refused',
      hint: 'choose another path for this target',
    })
  }
}

/** The path without symbolic links as far as it exists now, for comparing places. */
export function resolveEarly(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path === dirname(path) ? path : join(resolveEarly(dirname(path)), basename(path))
  }
}

/** Removes what rekeyd left beside `path`. A folder that is gone has nothing of ours. */
export async function tidyBeside(path: string, keep: (name: string) => boolean): Promise<void> {
  const parent = resolveEarly(dirname(path))
  if (!existsSync(parent)) return
  await using folder = await Folder.open(parent)
  const ours = (await folder.names()).filter(
    (name) => name.startsWith(stagedPrefix(basename(path))) && !keep(name),
  )
  for (const name of ours) await folder.removeTree(name)
  if (ours.length > 0) await folder.sync()
}

function wantedAttributes(
  found: FileContent | undefined,
  uid: number | undefined,
  gid: number | undefined,
  mode: string | undefined,
): FileAttributes {
  const present: FileAttributes = found ? attributesOf(found) : { mode: newFileMode }
  return {
    ...present,
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mode !== undefined && { mode: parseInt(mode, 8) }),
  }
}
