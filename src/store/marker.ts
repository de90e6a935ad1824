import { join } from 'node:path'
import { z } from 'zod'
import type { AuditHead } from './audit.ts'
import { readIfPresent, replaceFile } from './replace-file.ts'

/** How far the store had come when it was last seen, kept outside the database. */
export interface Marker extends AuditHead {
  /** The store's id. */
  readonly store: string
  readonly epoch: number
}

const format = z.strictObject({
  store: z.string(),
  epoch: z.int(),
  seq: z.int(),
  hash: z.string(),
})

/** @param elsewhere a path outside the state directory, where a restored copy of that does not overwrite it */
export function markerPathOf(stateDir: string, elsewhere: string | undefined): string {
  return elsewhere ?? join(stateDir, 'store.marker')
}

/** Undefined when there is none, or none that can be read. */
export function readMarker(path: string): Marker | undefined {
  const text = readIfPresent(path)
  try {
    return format.parse(JSON.parse(text ?? ''))
  } catch {
    return undefined
  }
}

/**
 * Written after the commit it tells of, never before: an older marker is no evidence of anything, a
 * newer one would be a false alarm.
 */
export function writeMarker(path: string, marker: Marker): void {
  replaceFile(path, JSON.stringify(marker))
}
