import { isUtf8 } from 'node:buffer'
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { join, normalize } from 'node:path'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { insideRoot } from './inside-root.ts'

/** Larger than any file that is configured by hand. Bytes. */
const largest = 1024 * 1024
/** More names than a folder of units or sites has. */
const mostNames = 5_000

/**
 * The files of the host that a config is written for. Paths are absolute and as that host writes them: `/etc/…`
 * also where its files lie below another folder. Nothing is ever changed, and nothing outside is read.
 */
export interface Host {
  /** Where its files lie, without symbolic links; `/` for the machine that we run on. */
  readonly root: string
  /** What is there, but could not be looked at: once for each file, for the operator. */
  readonly problems: ReadonlySet<string>
  /** Adds to them. */
  complain(path: string, problem: string): void
  /** What a path means, links followed; undefined when there is nothing. */
  stats(path: string): Stats | undefined
  /** Names in a folder, sorted; none where there is no folder. */
  names(path: string): readonly string[]
  /** Where a symbolic link points; undefined for anything else. */
  link(path: string): string | undefined
  /** A regular file of up to 1 MiB. The caller wipes what may hold secrets. */
  bytes(path: string): Buffer | undefined
  /** The first bytes of a regular file of any size. */
  head(path: string, length: number): Buffer | undefined
  /** A whole file as text; one that is none is a problem. */
  text(path: string): string | undefined
  /** The path under which rekeyd, which runs here, reaches the file. */
  here(path: string): string
}

/** @throws OperatorError of kind `usage` when `root` is no folder */
export function openHost(root: string): Host {
  const real = realRoot(root)
  const problems = new Set<string>()
  const complain = (path: string, problem: string) => void problems.add(`${path} ${problem}`)
  const find = (path: string) => insideRoot(real, path)
  const read = (path: string, reader: (file: number) => Buffer | string) => {
    const found = find(path)
    if (found === undefined) return undefined
    const content = readRegular(found, reader)
    if (typeof content !== 'string') return content
    if (content !== '') complain(path, content)
    return undefined
  }
  const bytes = (path: string) => read(path, readWhole)
  return {
    root: real,
    problems,
    complain,
    stats: (path) => statsOf(find(path)),
    names: (path) => namesIn(find(path), (problem) => complain(path, problem)),
    link(path) {
      const folder = find(join(path, '..'))
      return folder === undefined ? undefined : linkOf(join(folder, path.split('/').at(-1) ?? ''))
    },
    bytes,
    head: (path, length) => read(path, (file) => readUpTo(length, file)),
    text(path) {
      const content = bytes(path)
      if (!content) return undefined
      if (isUtf8(content) && !content.includes(0))
        return content.toString('utf8').replace(/^\ufeff/, '')
      complain(path, 'is not text')
      return undefined
    },
    here(path) {
      const plain = normalize(join(real, path)).replace(/(.)\/$/, '$1')
      const found = find(path)
      // An absolute link of the host leads elsewhere when it is followed from here.
      return found === undefined || realOf(plain) === found ? plain : found
    },
  }
}

function realRoot(root: string): string {
  const real = realOf(root)
  if (real !== undefined && statsOf(real)?.isDirectory()) return real
  throw new OperatorError(`--root ${root} is no folder`, {
    kind: 'usage',
    hint: 'give the folder below which the files of the host lie, such as /mnt/chat-1',
  })
}

/** @returns what is wrong with it in its place; empty for nothing worth saying */
function readRegular(path: string, reader: (file: number) => Buffer | string): Buffer | string {
  const type = statsOf(path)
  if (type?.isDirectory()) return ''
  // Opening a device may do something.
  if (!type?.isFile()) return 'is not a regular file'
  let file: number
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    return hasCode(error, 'EACCES', 'EPERM') ? 'may not be read by this user' : 'cannot be opened'
  }
  try {
    // A folder that somebody made a link meanwhile would lead out of the root.
    if (readlinkSync(`/proc/self/fd/${file}`) !== path) return 'changes while it is read'
    if (!fstatSync(file).isFile()) return 'changes while it is read'
    return reader(file)
  } finally {
    closeSync(file)
  }
}

function readWhole(file: number): Buffer | string {
  const content = readUpTo(largest + 1, file)
  return content.length > largest ? 'is larger than 1 MiB' : content
}

function readUpTo(limit: number, file: number): Buffer {
  const buffer = Buffer.alloc(limit)
  let length = 0
  while (length < limit) {
    const read = readSync(file, buffer, length, limit - length, length)
    if (read === 0) break
    length += read
  }
  return buffer.subarray(0, length)
}

function namesIn(path: string | undefined, problem: (text: string) => void): readonly string[] {
  if (path === undefined || !statsOf(path)?.isDirectory()) return []
  try {
    const names = readdirSync(path).toSorted()
    if (names.length > mostNames) problem(`holds more than ${mostNames} names: not all were seen`)
    return names.slice(0, mostNames)
  } catch {
    problem('may not be listed by this user')
    return []
  }
}

function statsOf(path: string | undefined): Stats | undefined {
  return path === undefined ? undefined : lstatSync(path, { throwIfNoEntry: false })
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
