import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { OddPlaces } from './odd-places.ts'

/** Where one case happens. */
export interface Ground {
  /** What is expected of a file, or of a set behind a link. */
  readonly isSet: boolean
  /** Of the targets' type. */
  readonly type: string
  /** Holds the target. */
  readonly inside: string
  /** Nobody may touch what is in it. */
  readonly outside: string
  /** On another file system; undefined where none could be mounted. */
  readonly abroad: string | undefined
  readonly odd: OddPlaces
  /** The last part of the target's path. */
  readonly name: string
  /** How far down something odd is. */
  readonly depth: number
  /** What stands at the target before. */
  readonly content: Buffer
}

/** A place that was laid out for a target. */
export interface Laid {
  /** As it is configured. */
  readonly path: string
  /** What is replaced there, if anything may be: the path without links, but for the one of a set. */
  readonly real?: string
  /** What rekeyd must say to it; undefined where both are fine. */
  readonly verdict?: 'accepted' | 'refused'
}

/** Puts there what a target of this type may replace. */
export function put({ isSet, content }: Ground, path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  if (!isSet) writeFileSync(path, content, { mode: 0o640 })
  else {
    const first = `${basename(path).slice(0, 40)}.first`
    mkdirSync(join(dirname(path), first), { mode: 0o750 })
    writeFileSync(join(dirname(path), first, 'note'), "somebody's", { mode: 0o640 })
    symlinkSync(first, path)
  }
  return path
}
