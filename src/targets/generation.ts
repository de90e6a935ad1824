import { createHash } from 'node:crypto'
import { lstat, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Format } from '../model/material.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { fileError } from '../support/file-error.ts'
import { type FileAttributes, Folder, identityOf } from '../support/folder.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { attributesOf, largestFile, refuseLowSpace, resolveEarly } from './live-file.ts'
import type { ReadPart } from './target.ts'

/** One file of a set. */
export interface Entry {
  readonly name: string
  readonly part: string | undefined
  readonly format: Format | undefined
  /** Permission bits. */
  readonly mode: number
}

/**
 * Writes a generation, complete and synced under its final name, or not there at all.
 * @param attributes whose the files are, for the given permission bits
 */
export async function makeGeneration(
  folder: Folder,
  name: string,
  entries: readonly Entry[],
  edition: Edition,
  attributes: (mode: number) => Promise<FileAttributes>,
): Promise<void> {
  const unfinished = `${name}.part`
  await folder.removeTree(unfinished)
  await folder.removeTree(name)
  const modes = entries.reduce((all, { mode }) => all | mode, 0)
  // Whoever may read a file may enter the folder.
  const folderMode = 0o700 | ((modes & 0o044) >> 2) | (modes & 0o044)
  try {
    await using made = await folder.make(unfinished, await attributes(folderMode))
    for (const { name: file, part, format, mode } of entries) {
      const value = await edition.bytes(part, format)
      try {
        await refuseLowSpace(folder, folder.path, value.length)
        await made.write(file, value.bytes, await attributes(mode))
      } finally {
        value.wipe()
      }
    }
    await made.sync()
  } catch (error) {
    await folder.removeTree(unfinished)
    throw error
  }
  await folder.switch(unfinished, name)
}

/**
 * Takes along what else somebody keeps in the folder that is live.
 * @throws OperatorError for anything but a regular file
 */
export async function carryOver(
  folder: Folder,
  live: string,
  generation: string,
  entries: readonly Entry[],
): Promise<void> {
  if (!(await isGeneration(folder, live))) return
  await using from = await Folder.open(pathOf(folder, live))
  await using to = await Folder.open(pathOf(folder, generation))
  for (const name of await from.names()) {
    if (entries.some((entry) => entry.name === name)) continue
    const found = await from.read(name, largestFile)
    if (!found) continue
    await to.write(name, found.content, attributesOf(found))
    found.content.fill(0)
  }
  await to.sync()
}

/** Tells one state of a generation from another without its content: what is in it, and any write to that. */
export async function stateOf(folder: Folder, destination: string): Promise<string> {
  if (!(await isGeneration(folder, destination))) return ''
  await using generation = await Folder.open(pathOf(folder, destination))
  const names = (await generation.names()).toSorted()
  const states = names.map(async (name) => {
    const stats = await generation.stat(name)
    return [name, stats && identityOf(stats)]
  })
  return createHash('sha256')
    .update(JSON.stringify(await Promise.all(states)))
    .digest('hex')
}

/** Whether the folder at `destination`, as a link in `folder` names it, holds exactly this edition. */
export async function holdsEdition(
  folder: Folder,
  destination: string,
  entries: readonly Entry[],
  edition: Edition,
): Promise<boolean> {
  const path = pathOf(folder, destination)
  if (!(await isFolder(path))) return false
  await using generation = await Folder.open(path)
  for (const { name, part, format } of entries) {
    const found = await generation.read(name, largestFile)
    const wanted = await edition.bytes(part, format)
    const same = found?.content.equals(wanted.bytes) ?? false
    found?.content.fill(0)
    wanted.wipe()
    if (!same) return false
  }
  return true
}

/**
 * The files of the set in the folder at `destination`; none where it has none of them.
 * @throws OperatorError (needs-attention) where it has only some: the rest would pass for the whole
 */
export async function readGeneration(
  folder: Folder,
  destination: string,
  entries: readonly Entry[],
): Promise<readonly ReadPart[]> {
  const path = pathOf(folder, destination)
  if (!(await isFolder(path))) return []
  await using generation = await Folder.open(path)
  const parts: ReadPart[] = []
  const missing: string[] = []
  for (const { name, part, format } of entries) {
    const found = await generation.read(name, largestFile)
    if (!found) {
      missing.push(name)
      continue
    }
    const bytes = SecretBytes.take(found.content)
    parts.push({ name, bytes, ...(part !== undefined && { part }), ...(format && { format }) })
  }
  if (parts.length === 0 || missing.length === 0) return parts
  for (const { bytes } of parts) bytes.wipe()
  throw new OperatorError(`${path} lacks ${missing.join(' and ')}, and has the rest of the set`, {
    kind: 'needs-attention',
    hint: 'put what is missing there, too; `rekeyd apply` writes a whole set',
  })
}

/** Whether a link in `folder` to `destination` would lead to a folder. */
export async function isGeneration(folder: Folder, destination: string): Promise<boolean> {
  return isFolder(pathOf(folder, destination))
}

/** @throws OperatorError when the link leads to what is there and is no folder; a link that leads nowhere is fine */
export async function refuseFile(folder: Folder, link: string, destination: string): Promise<void> {
  const path = join(folder.path, link)
  const stats = await stat(resolve(folder.path, destination)).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw fileError(error, 'follow', path)
  })
  if (!stats || stats.isDirectory()) return
  throw new OperatorError(`${path} leads to ${destination}, which is no folder`, {
    kind: 'refused',
    hint: 'give this file_set another path: it takes the place of a link to a folder only',
  })
}

function pathOf(folder: Folder, destination: string): string {
  return resolveEarly(resolve(folder.path, destination))
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}
