import type { z } from 'zod'
import type { Format } from '../model/material.ts'
import type { Progress } from '../model/rotation.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'

/** Where a target writes, for conflicts, messages, and for consumers to say how they pick it up. */
export interface Place {
  /** The file, database or link that is switched: targets with the same path share one switch. Absolute, resolved. */
  readonly path: string
  /** The key, row or part inside it. */
  readonly key?: string
  /**
   * How the consumer gets at it: by opening it, through its environment at start, by SQL, or through
   * a program that knows.
   */
  readonly reads: 'file' | 'environment' | 'database' | 'command'
}

/** Which version of the material a target holds. */
export const roles = ['active', 'previous', 'next'] as const
export type Role = (typeof roles)[number]

/** One change at a target within one rotation. */
export interface Move {
  /** The rotation's id: part of the names of staged files. */
  readonly rotation: string
  /** What the target shall hold. */
  readonly edition: Edition
  /** What it holds now as far as the store knows; a database needs it to open. */
  readonly previous?: Edition
}

/** What a target holds. `unknown` means "could not tell": it is no drift and nothing is written because of it. */
export type Finding =
  | { readonly holds: 'version'; readonly number: number }
  | { readonly holds: 'nothing' }
  | { readonly holds: 'something else'; readonly detail?: string }
  | { readonly holds: 'unknown'; readonly detail: string }

/**
 * A place a material is written to. Methods may be repeated: after a crash the engine calls again
 * what it cannot know to have ended, with the same rotation id.
 */
export interface Target {
  readonly type: string
  readonly place: Place
  readonly role: Role
  /** What to ask the edition for; undefined for the kind's default. */
  readonly part?: string
  readonly format?: Format
  /** Whether every consumer must be stopped while this target changes. */
  readonly offline: boolean

  /**
   * Proves that a change could succeed, by trying what is harmless (creating and removing a file).
   * @throws OperatorError with the exact path and the fix
   */
  check(signal: AbortSignal): Promise<void>

  /**
   * Prepares the change beside the live place: same file system, owner and mode; changes nothing live.
   * Targets that share a file add to the same staged file when called one after the other with the same rotation.
   * @returns what the place held before (absent, or its bytes, owner, mode) and the live digest, in the
   *   target's own encoding. The journal seals it and hands it back to the calls below.
   */
  stage(move: Move, signal: AbortSignal): Promise<SecretBytes>

  /**
   * Makes the staged change live, atomically, and syncs it. Already live is success.
   * @param report told now and then how far it is, where it takes long
   * @throws LiveChanged when somebody changed the live place since `stage`: the engine stages again
   */
  activate(
    move: Move,
    held: SecretBytes,
    signal: AbortSignal,
    report?: (progress: Progress) => void,
  ): Promise<void>

  /**
   * Takes the edition away: on a first rotation back to exactly what `held` says, without `held`
   * (an overlap ends) removes the key or file. A keyed target changes one key in the *present* file.
   * Consumer data is never removed. Nothing to take away is success.
   */
  withdraw(move: Move, held: SecretBytes | undefined, signal: AbortSignal): Promise<void>

  /** Which of the candidates the place holds. Read-only. */
  inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding>

  /** What the place holds, for adoption; undefined when it holds nothing. Absent where it cannot be read back. */
  read?(signal: AbortSignal): Promise<SecretBytes | undefined>

  /** The same for a place that holds several parts. */
  readParts?(signal: AbortSignal): Promise<readonly ReadPart[]>

  /** Removes every staged or kept file of ours beside the place. Called when no rotation is under way on it. */
  tidy(signal: AbortSignal): Promise<void>

  /** The files that a change would leave, as they would be: for who must read them, and who must not. */
  files?(): Promise<readonly TargetFile[]>

  /**
   * Tries the change where `stage` would show too little of it (a database), or would itself change what is in
   * use. Leaves nothing but what `tidy` removes.
   */
  rehearse?(move: Move, signal: AbortSignal): Promise<void>
}

/** A file that a target writes, with the owner and mode it gets. */
export interface TargetFile {
  readonly path: string
  readonly uid: number
  readonly gid: number
  /** Permission bits. */
  readonly mode: number
  /** The part that is in it; undefined for the kind's default. */
  readonly part?: string
  /** Whether it is encrypted: it may be read by whoever cannot open it. */
  readonly sealed?: boolean
}

/** One of several parts at a place; part and format as the target's own. */
export interface ReadPart {
  readonly name: string
  readonly part?: string
  readonly format?: Format
  readonly bytes: SecretBytes
}

/** The live place was edited between `stage` and `activate`. */
export class LiveChanged extends Error {
  override readonly name = 'LiveChanged'
}

/** What a target may ask of the rest of rekeyd. */
export interface TargetContext {
  readonly material: string
  /** The active edition of another material, for `db_key: { material: … }`. */
  editionOf(material: string): Promise<Edition | undefined>
  /** Our own state directory: never a target. */
  readonly stateDir: string
  /** Where the key of our own store comes from. */
  readonly storeKey: { readonly file: string } | { readonly credential: string }
}

/** An entry of the catalog. */
export interface TargetType<Options> {
  /** A strict zod object, each key with a description. */
  readonly schema: z.ZodType<Options>
  create(options: Options, context: TargetContext): Target
}
