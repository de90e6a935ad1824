import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { hasCode } from '../support/operator-error.ts'
import { readSmallFile } from '../support/small-file.ts'

/**
 * Replaces a small plain file of the store's own, durably: written beside it, synced, renamed, folder
 * synced. Synchronous, unlike support/atomic-files.ts: the marker is written between two statements of
 * a synchronous store. Never used on a database.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o600): void {
  const staged = stagedPath(path)
  rmSync(staged, { force: true })
  try {
    write(staged, content, mode)
    renameSync(staged, path)
  } catch (error) {
    rmSync(staged, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** What a process that was killed may leave. */
export function stagedPath(path: string): string {
  return `${path}.new`
}

function write(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The text of a small plain file, or undefined when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readSmallFile(path).toString('utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** A name that was created or renamed survives a power cut only after this. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
