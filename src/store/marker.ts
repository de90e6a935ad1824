import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { hasCode, messageOf, OperatorError } from '../support/operator-error.ts'
import type { AuditHead } from './audit.ts'
import { readIfPresent, replaceFile } from './replace-file.ts'

/** How far the store had come when it was last seen, kept outside the database. */
export interface Marker extends AuditHead {
  /** The store's id. */
  readonly store: string
  readonly epoch: number
  /** What an older copy of the store must not give back (compromised.ts). */
  readonly compromised: readonly string[]
}

const format = z.strictObject({
  store: z.string(),
  epoch: z.int(),
  seq: z.int(),
  hash: z.string(),
  compromised: z.array(z.string()).default([]),
})

/** The folder beside `stateDir`, so that an old copy of that does not bring its marker along; else `stateDir`. */
function homesOf(stateDir: string): readonly [string, string] {
  return [`${stateDir}.marker`, stateDir]
}

function markerIn(home: string): string {
  return join(home, 'store.marker')
}

/**
 * The newest marker of this store; one of another store where there is no other; undefined when there is
 * none, or only a damaged one.
 * @throws OperatorError when there is no marker of this store but one that cannot be read: it would be taken for
 *   a store that was restored
 */
export function findMarker(stateDir: string, store: string): Marker | undefined {
  const found: Marker[] = []
  const unread: OperatorError[] = []
  for (const home of homesOf(stateDir)) {
    const path = markerIn(home)
    try {
      found.push(...parse(readIfPresent(path)))
    } catch (error) {
      unread.push(cannot('read', path, messageOf(error)))
    }
  }
  const own = found.filter((marker) => marker.store === store)
  const [newest] = own.toSorted((a, b) => b.seq - a.seq || b.epoch - a.epoch)
  if (!newest && unread[0]) throw unread[0]
  return newest ?? found[0]
}

/**
 * Writes the first marker of an opening.
 * @returns what writes the later ones to the same place: after the commit they tell of, never before. An
 *   older marker is no evidence of anything, a newer one would be a false alarm.
 * @throws OperatorError: a marker that can never be written would make every start look like a restored store
 */
export function writeFirstMarker(stateDir: string, first: Marker): (marker: Marker) => void {
  const home = homesOf(stateDir).find((one) => isWritten(one, first))
  if (home === undefined) throw cannot('write', markerIn(stateDir), 'no permission')
  return (marker) => replaceFile(markerIn(home), JSON.stringify(marker))
}

/** Of a store that was here before. */
export function removeMarkers(stateDir: string): void {
  for (const home of homesOf(stateDir)) rmSync(markerIn(home), { force: true })
}

/** A full disk is no reason to look elsewhere, nor to refuse to start. */
function isWritten(home: string, marker: Marker): boolean {
  const path = markerIn(home)
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 })
    replaceFile(path, JSON.stringify(marker))
    return true
  } catch (error) {
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) return true
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return false
    throw cannot('write', path, messageOf(error))
  }
}

function parse(text = ''): readonly Marker[] {
  try {
    return [format.parse(JSON.parse(text))]
  } catch {
    return []
  }
}

function cannot(verb: 'read' | 'write', path: string, why: string): OperatorError {
  return new OperatorError(`cannot ${verb} the marker of the store, ${path}: ${why}`, {
    hint: 'the user that rekeyd runs as must be able to read and write it and its folder',
  })
}
