import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { formats } from '../model/material.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { groupId, userId } from '../support/accounts.ts'
import { stagedName } from '../support/atomic-files.ts'
import { type FileAttributes, Folder } from '../support/folder.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { refuseUnsafeParents, resolveFolder } from '../support/safe-path.ts'
import {
  carryOver,
  type Entry,
  holdsEdition,
  isGeneration,
  makeGeneration,
  readGeneration,
  refuseFile,
  stateOf,
} from './generation.ts'
import { fileOf, refuseLowSpace, refusePlace, resolveEarly, tidyBeside } from './live-file.ts'
import type { Target, TargetType } from './target.ts'
import {
  type Finding,
  LiveChanged,
  type Move,
  type Place,
  type ReadPart,
  type Role,
  roles,
  type TargetFile,
} from './target.ts'
import { fileOwnership, targetPath } from './written-part.ts'

const schema = z.strictObject({
  path: targetPath.describe('The symbolic link to the folder that is in use.'),
  files: z
    .record(
      z.string().regex(/^(?!\.)[\w.-]{1,255}$/, { error: 'not a plain file name' }),
      z.strictObject({
        part: z.string().optional().describe("Part of the material; by default the kind's first."),
        format: z.enum(formats).optional().describe("Encoding; by default the part's first."),
        mode: fileOwnership.mode,
      }),
    )
    .refine((files) => Object.keys(files).length > 0, { error: 'names no file' })
    .describe('What is in the folder, by file name.'),
  ...fileOwnership,
  version: z.enum(roles).default('active').describe('Which version is written here.'),
})

type Options = z.output<typeof schema>

/** Several files that change at one moment: a new folder for each version, and a link that is switched to it. */
export const fileSet: TargetType<Options> = {
  schema,
  create: (options, { stateDir }) => new FileSet(options, stateDir),
}

const defaultMode = '0600'

class FileSet implements Target {
  readonly type = 'file_set'
  readonly place: Place
  readonly role: Role
  readonly offline = false
  readonly #options: Options
  readonly #name: string
  readonly #stateDir: string
  readonly #entries: readonly Entry[]

  constructor(options: Options, stateDir: string) {
    this.#name = basename(options.path)
    this.place = { path: join(resolveEarly(dirname(options.path)), this.#name), reads: 'file' }
    this.role = options.version
    this.#options = options
    this.#stateDir = stateDir
    this.#entries = Object.entries(options.files).map(([name, { part, format, mode }]) => ({
      name,
      part,
      format,
      mode: parseInt(mode ?? options.mode ?? defaultMode, 8),
    }))
  }

  async check(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using folder = await this.#open()
    await refuseLowSpace(folder, this.place.path, 0)
    await this.#link(folder)
    await folder.probe(stagedName(this.#name, 'check'), await this.#attributes(0o600))
  }

  async stage(move: Move, signal: AbortSignal): Promise<SecretBytes> {
    signal.throwIfAborted()
    await using folder = await this.#open()
    const live = await this.#link(folder)
    const held = await encodeHeld(folder, live)
    const generation = this.#generationOf(move)
    if (live === generation) {
      if (await this.#holds(folder, live, move.edition)) return held
      throw changed(join(folder.path, generation))
    }
    await makeGeneration(folder, generation, this.#entries, move.edition, (mode) =>
      this.#attributes(mode),
    )
    if (live !== undefined) await carryOver(folder, live, generation, this.#entries)
    return held
  }

  async activate(move: Move, held: SecretBytes, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using folder = await this.#open()
    const live = await this.#link(folder)
    const generation = this.#generationOf(move)
    if (live === generation) return await folder.sync()
    const before = await encodeHeld(folder, live)
    if (!before.equals(held) || !(await this.#holds(folder, generation, move.edition))) {
      throw new LiveChanged(
        `${this.place.path} was changed while its next version was being prepared`,
      )
    }
    await this.#switch(folder, generation)
  }

  async withdraw(move: Move, held: SecretBytes | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await using folder = await this.#open()
    const live = await this.#link(folder)
    const [before = '', state] = held?.bytes.toString().split('\n') ?? []
    if (live === undefined || live === before) return
    if (!(await this.#holds(folder, live, move.edition))) return
    // A link that led nowhere is given back as it was.
    if (before !== '' && state === '') return await this.#switch(folder, before)
    if (before !== '') return await this.#switchBack(folder, live, before)
    await folder.remove(this.#name)
    await folder.sync()
  }

  async inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    signal.throwIfAborted()
    try {
      await using folder = await Folder.open(await resolveFolder(dirname(this.place.path)))
      const live = await this.#link(folder)
      if (live === undefined) return { holds: 'nothing' }
      for (const candidate of candidates) {
        if (await this.#holds(folder, live, candidate)) {
          return { holds: 'version', number: candidate.version.number }
        }
      }
      return { holds: 'something else' }
    } catch (error) {
      const isOdd = error instanceof OperatorError && error.kind === 'refused'
      return { holds: isOdd ? 'something else' : 'unknown', detail: messageOf(error) }
    }
  }

  async readParts(signal: AbortSignal): Promise<readonly ReadPart[]> {
    signal.throwIfAborted()
    await using folder = await Folder.open(await resolveFolder(dirname(this.place.path)))
    const live = await this.#link(folder)
    return live === undefined ? [] : await readGeneration(folder, live, this.#entries)
  }

  async tidy(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const live = resolveEarly(this.place.path)
    await tidyBeside(this.place.path, (name) => live === join(dirname(this.place.path), name))
  }

  async files(): Promise<readonly TargetFile[]> {
    const folder = dirname(this.place.path)
    const files = this.#entries.map(async ({ name, part, mode }) =>
      fileOf(join(folder, this.#name, name), await this.#attributes(mode), part),
    )
    return Promise.all(files)
  }

  async #open(): Promise<Folder> {
    const parent = await resolveFolder(dirname(this.#options.path))
    refusePlace(join(parent, this.#name), this.#stateDir)
    const { owner } = this.#options
    await refuseUnsafeParents(parent, owner === undefined ? undefined : await userId(owner))
    return Folder.open(parent)
  }

  /** What the link says, unless it leads to a file; undefined when there is none. It may lead nowhere. */
  async #link(folder: Folder): Promise<string | undefined> {
    const stats = await folder.stat(this.#name)
    if (!stats) return undefined
    if (stats.isSymbolicLink()) {
      const destination = await folder.readLink(this.#name)
      if (destination !== undefined) await refuseFile(folder, this.#name, destination)
      return destination
    }
    throw new OperatorError(`${this.place.path} is not a symbolic link`, {
      kind: 'refused',
      hint: `rename it and link to it: mv ${this.#name} ${this.#name}.first && ln -s ${this.#name}.first ${this.#name}`,
    })
  }

  /** The number is in the name because the way back goes by the same rotation. */
  #generationOf({ edition, rotation }: Move): string {
    return stagedName(this.#name, `${edition.version.number}-${rotation}`)
  }

  async #attributes(mode: number): Promise<FileAttributes> {
    const { owner, group } = this.#options
    return {
      mode,
      ...(owner !== undefined && { uid: await userId(owner) }),
      ...(group !== undefined && { gid: await groupId(group) }),
    }
  }

  async #switchBack(folder: Folder, live: string, destination: string): Promise<void> {
    if (!(await isGeneration(folder, destination))) {
      throw new OperatorError(`${destination}, which ${this.place.path} led to before, is gone`, {
        kind: 'needs-attention',
      })
    }
    await carryOver(folder, live, destination, this.#entries)
    await this.#switch(folder, destination)
  }

  async #switch(folder: Folder, destination: string): Promise<void> {
    const link = stagedName(this.#name, 'link')
    await folder.remove(link)
    await folder.link(link, destination)
    await folder.switch(link, this.#name)
  }

  #holds(folder: Folder, destination: string, edition: Edition): Promise<boolean> {
    return holdsEdition(folder, destination, this.#entries, edition)
  }
}

/** Where the link leads, and the state of what is there. */
async function encodeHeld(folder: Folder, live: string | undefined): Promise<SecretBytes> {
  const state = live === undefined ? '' : `${live}\n${await stateOf(folder, live)}`
  return SecretBytes.fromText(state)
}

function changed(path: string): OperatorError {
  return new OperatorError(`files in ${path} were changed by somebody else`, {
    kind: 'needs-attention',
    hint: 'put them back, or point the link at a folder of your own and adopt that',
  })
}
