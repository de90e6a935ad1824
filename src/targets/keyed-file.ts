import { basename, dirname } from 'node:path'
import type { Format } from '../model/material.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { stagedName } from '../support/atomic-files.ts'
import { type FileAttributes, Folder, identityOf } from '../support/folder.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { resolveFile } from '../support/safe-path.ts'
import { decodeHeld, encodeHeld, type HeldFile } from './held.ts'
import {
  attributesOf,
  fileOf,
  LiveFile,
  largestFile,
  leftAlone,
  type Ownership,
  refuseLowSpace,
  resolveEarly,
  stageBeside,
  tidyBeside,
} from './live-file.ts'
import type { Slot } from './slot.ts'
import {
  type Finding,
  LiveChanged,
  type Move,
  type Place,
  type Role,
  type Target,
} from './target.ts'

/** What tells the targets apart that are one value in one file. */
export interface KeyedFileOptions {
  readonly type: string
  /** As configured: may lead through symbolic links. */
  readonly path: string
  readonly key?: string
  readonly reads: Place['reads']
  readonly slot: Slot
  readonly written: { readonly role: Role; readonly part?: string; readonly format?: Format }
  readonly ownership?: Ownership
  readonly stateDir: string
}

/** Stands in for a value when `check` tries an edit. */
const probeValue = Buffer.from('a-value-that-is-never-written-0123456789')

/**
 * One value in one file, which is replaced as a whole by rename. The staged file is named after the
 * rotation and the state of the live file it was made from: targets that share the file and are
 * staged in turn find and extend it, and what was made from an older state is never switched to.
 */
export class KeyedFile implements Target {
  readonly type: string
  readonly place: Place
  readonly role: Role
  readonly part?: string
  readonly format?: Format
  readonly offline = false
  readonly #path: string
  readonly #slot: Slot
  readonly #ownership: Ownership
  readonly #stateDir: string

  constructor({ type, path, key, reads, slot, written, ownership, stateDir }: KeyedFileOptions) {
    this.type = type
    this.place = { path: resolveEarly(path), reads, ...(key !== undefined && { key }) }
    this.role = written.role
    if (written.part !== undefined) this.part = written.part
    if (written.format !== undefined) this.format = written.format
    this.#path = path
    this.#slot = slot
    this.#ownership = ownership ?? {}
    this.#stateDir = stateDir
  }

  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using live = await this.#open()
    await refuseLowSpace(live.folder, live.path, live.found?.content.length ?? 0)
    await this.#named(async () => {
      const edited = await this.#slot.set(live.found?.content, probeValue)
      edited.wipe()
    })
    await live.folder.probe(stagedName(live.name, 'check'), live.attributes)
  }

  async stage(move: Move, signal: AbortSignal): Promise<SecretBytes> {
    signal.throwIfAborted()
    await using live = await this.#open()
    const name = stagedNameOf(live, move)
    const joined = await live.folder.read(name, largestFile)
    const present = joined?.content ?? live.found?.content
    const next = await this.#withValue(move, (value) => this.#slot.set(present, value.bytes))
    try {
      const isLive = live.isOwnedAsWanted && live.found && next.bytes.equals(live.found.content)
      if (joined || !isLive) await stageBeside(live, name, next.bytes)
      return encodeHeld(live.found)
    } finally {
      next.wipe()
      joined?.content.fill(0)
    }
  }

  async activate(move: Move, held: SecretBytes, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using live = await this.#open()
    const name = stagedNameOf(live, move)
    const staged = await live.folder.read(name, largestFile)
    const isStaged = isAsHeld(live, held) && (await this.#holds(staged?.content, move))
    staged?.content.fill(0)
    if (isStaged) return await live.folder.switch(name, live.name)
    // A target that shares the file may have switched it, or a crash came after the rename.
    if (await this.#holds(live.found?.content, move)) return await live.folder.sync()
    throw new LiveChanged(`${live.path} was changed while its next version was being prepared`)
  }

  async withdraw(move: Move, held: SecretBytes | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using live = await this.#open()
    if (!live.found || !(await this.#holds(live.found.content, move))) return
    const { content } = live.found
    const before = held && decodeHeld(held)
    if (held && (await this.#wrote(before, move, content))) {
      const kept = leftAlone(live.found, this.#ownership)
      return await replace(live, move, before && { ...before, ...kept })
    }
    const next = await this.#named(() =>
      before ? this.#slot.restore(content, before.content) : this.#slot.remove(content),
    )
    await replace(live, move, next && { ...attributesOf(live.found), content: next.bytes })
    next?.wipe()
  }

  async inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    signal.throwIfAborted()
    let value: SecretBytes | undefined
    try {
      value = await this.read()
    } catch (error) {
      const isOdd = error instanceof OperatorError && error.kind === 'refused'
      return { holds: isOdd ? 'something else' : 'unknown', detail: messageOf(error) }
    }
    if (!value) return { holds: 'nothing' }
    try {
      for (const candidate of candidates) {
        const bytes = await candidate.bytes(this.part, this.format)
        const same = bytes.equals(value)
        bytes.wipe()
        if (same) return { holds: 'version', number: candidate.version.number }
      }
      return { holds: 'something else' }
    } finally {
      value.wipe()
    }
  }

  async read(): Promise<SecretBytes | undefined> {
    const path = await resolveFile(this.#path)
    await using folder = await Folder.open(dirname(path))
    const found = await folder.read(basename(path), largestFile)
    if (!found) return undefined
    try {
      const value = await this.#named(() => this.#slot.get(found.content))
      // An empty value is a place that was prepared for one.
      return value && value.length > 0 ? value : undefined
    } finally {
      found.content.fill(0)
    }
  }

  async tidy(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await tidyBeside(resolveEarly(this.#path), () => false)
  }

  async files() {
    await using live = await this.#open()
    return [fileOf(live.path, live.attributes, this.part)]
  }

  async #open(): Promise<LiveFile> {
    return LiveFile.open(this.#path, this.#ownership, this.#stateDir)
  }

  async #withValue<T>({ edition }: Move, use: (value: SecretBytes) => Promise<T>): Promise<T> {
    const value = await edition.bytes(this.part, this.format)
    try {
      if (value.length > 0) return await this.#named(() => use(value))
    } finally {
      value.wipe()
    }
    throw new OperatorError(`the value for ${this.#path} is empty`, { kind: 'refused' })
  }

  async #holds(content: Buffer | undefined, move: Move): Promise<boolean> {
    return this.#withValue(move, async (value) => {
      const found = content && (await this.#slot.get(content))
      const same = found?.equals(value) ?? false
      found?.wipe()
      return same
    })
  }

  /** Whether `content` is what was held and nothing but this value changed in it. */
  async #wrote(before: HeldFile | undefined, move: Move, content: Buffer): Promise<boolean> {
    return this.#withValue(move, async (value) => {
      const ours = await this.#slot.set(before?.content, value.bytes)
      const same = ours.bytes.equals(content)
      ours.wipe()
      return same
    })
  }

  /** Puts the path in front of what a slot says about `line:column`. */
  async #named<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error
      const hint = error.hint === undefined ? {} : { hint: error.hint }
      throw new OperatorError(`${this.#path}:${error.message}`, { kind: error.kind, ...hint })
    }
  }
}

function stagedNameOf({ name, found }: LiveFile, { rotation }: Move): string {
  return stagedName(name, `${rotation}-${found ? identityOf(found.stats) : 'new'}`)
}

function isAsHeld({ found }: LiveFile, held: SecretBytes): boolean {
  const before = decodeHeld(held)
  return before && found ? before.content.equals(found.content) : !before && !found
}

/** Switches to what was there before, at once. */
async function replace(
  live: LiveFile,
  { rotation }: Move,
  wanted: (FileAttributes & { readonly content: Uint8Array }) | undefined,
): Promise<void> {
  if (wanted) {
    const name = stagedName(live.name, `${rotation}-away`)
    await live.folder.write(name, wanted.content, wanted)
    await live.folder.switch(name, live.name)
  } else {
    await live.folder.remove(live.name)
    await live.folder.sync()
  }
}
