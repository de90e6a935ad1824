import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from './file-error.ts'
import { hasCode, OperatorError } from './operator-error.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** Buffers of up to 64 bytes lie on V8's heap, where garbage collection leaves copies of secrets. */
const smallestOffHeap = 128

/** Owner and mode as the kernel has them. An absent owner or group stays as the system creates it. */
export interface FileAttributes {
  readonly uid?: number
  readonly gid?: number
  /** Permission bits, `0o600`. */
  readonly mode: number
}

/** What a file held. The caller wipes `content`. */
export interface FileContent {
  readonly content: Buffer
  readonly stats: BigIntStats
}

/**
 * An open directory. Everything goes through its descriptor, so that a directory which somebody swaps
 * for a symbolic link meanwhile leads nowhere. Errors are for the operator and name the real path.
 */
export class Folder {
  readonly path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /**
   * @param path without symbolic links, as `realpath` gives it
   * @throws OperatorError when it is no directory or was swapped for a link
   */
  static async open(path: string): Promise<Folder> {
    const handle = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error: unknown) => {
      throw fileError(error, 'open', path)
    })
    const folder = new Folder(path, handle)
    if (folder.#anchored && (await readlink(`/proc/self/fd/${handle.fd}`)) !== path) {
      await handle.close()
      throw new OperatorError(`${path} is reached through a symbolic link`, { kind: 'refused' })
    }
    return folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }

  /** Whether the system lets one name a file relative to a descriptor (Linux). */
  get #anchored(): boolean {
    return process.platform === 'linux'
  }

  #at(name: string): string {
    return join(this.#anchored ? `/proc/self/fd/${this.#handle.fd}` : this.path, name)
  }

  async names(): Promise<readonly string[]> {
    return this.#try('list', '', () => readdir(this.#at('.')))
  }

  /** Of the name itself, not of what a link points to; undefined when absent. */
  async stat(name: string): Promise<BigIntStats | undefined> {
    return this.#unlessAbsent('look at', name, () => lstat(this.#at(name), { bigint: true }))
  }

  /** Where a symbolic link points; undefined when absent. @throws OperatorError when it is not UTF-8 */
  async readLink(name: string): Promise<string | undefined> {
    return this.#unlessAbsent('read', name, async () => {
      const bytes = await readlink(this.#at(name), { encoding: 'buffer' })
      if (isUtf8(bytes)) return bytes.toString()
      const path = join(this.path, name)
      throw new OperatorError(`${path} leads to a name that is not UTF-8`, { kind: 'refused' })
    })
  }

  /**
   * Reads a regular file; undefined when absent.
   * @param limit bytes
   * @throws OperatorError for anything but a regular file, a larger one, or one that changes meanwhile
   */
  async read(name: string, limit: number): Promise<FileContent | undefined> {
    return this.#unlessAbsent('read', name, async () => {
      // O_NONBLOCK: opening a FIFO would otherwise wait for its writer.
      await using file = await open(this.#at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      const stats = await file.stat({ bigint: true })
      const path = join(this.path, name)
      if (!stats.isFile()) {
        throw new OperatorError(`${path} is not a regular file`, { kind: 'refused' })
      }
      if (stats.size > limit) {
        const hint = `rekeyd changes files of up to ${limit} bytes`
        throw new OperatorError(`${path} is too large`, { kind: 'refused', hint })
      }
      const content = await readWhole(file, Number(stats.size))
      const after = await file.stat({ bigint: true })
      if (identityOf(after) === identityOf(stats)) return { content, stats }
      content.fill(0)
      throw new OperatorError(`${path} changes while it is read`, { kind: 'busy' })
    })
  }

  /**
   * Makes a new file with `bytes` in it, synced, complete or not at all: under another name first.
   * A failed sync is never tried again on the same descriptor; the half file is removed.
   */
  async write(name: string, bytes: Uint8Array, attributes: FileAttributes): Promise<void> {
    await this.#try('write', name, async () => {
      const part = `${name}.part`
      await rm(this.#at(part), { force: true, recursive: true })
      try {
        await this.#create(part, bytes, attributes)
        await rename(this.#at(part), this.#at(name))
      } catch (error) {
        await rm(this.#at(part), { force: true })
        throw error
      }
    })
  }

  async #create(name: string, bytes: Uint8Array, attributes: FileAttributes): Promise<void> {
    await using file = await open(this.#at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    await own(file, attributes)
    await file.writeFile(bytes)
    await file.sync()
  }

  /** Proves that a file with these attributes can be made here, by making and removing an empty one. */
  async probe(name: string, attributes: FileAttributes): Promise<void> {
    await this.write(name, new Uint8Array(), attributes)
    await this.remove(name)
  }

  /** Renames within the folder, over what is there, and syncs the folder. */
  async switch(from: string, to: string): Promise<void> {
    await this.#try('replace', to, () => rename(this.#at(from), this.#at(to)))
    await this.sync()
  }

  /** Absent is success. */
  async remove(name: string): Promise<void> {
    await this.#unlessAbsent('remove', name, () => unlink(this.#at(name)))
  }

  /** With everything in it. Absent is success; a link is removed, not followed. */
  async removeTree(name: string): Promise<void> {
    await this.#try('remove', name, () => rm(this.#at(name), { recursive: true, force: true }))
  }

  /** Makes a directory and opens it. */
  async make(name: string, attributes: FileAttributes): Promise<Folder> {
    await this.#try('make', name, async () => {
      await mkdir(this.#at(name), 0o700)
      await using made = await open(this.#at(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      await own(made, attributes)
    })
    return Folder.open(join(this.path, name))
  }

  async link(name: string, target: string): Promise<void> {
    await this.#try('link', name, () => symlink(target, this.#at(name)))
  }

  /** Makes renames and removals durable. */
  async sync(): Promise<void> {
    await this.#try('sync', '', () => this.#handle.sync())
  }

  /** Bytes that we may still write to this file system. */
  async freeSpace(): Promise<number> {
    const { bavail, bsize } = await this.#try('look at', '', () => statfs(this.#at('.')))
    return bavail * bsize
  }

  async #try<T>(doing: string, name: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      throw fileError(error, doing, join(this.path, name))
    }
  }

  async #unlessAbsent<T>(doing: string, name: string, action: () => Promise<T>) {
    return this.#try(doing, name, async () => {
      try {
        return await action()
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined
        throw error
      }
    })
  }
}

/** Tells one state of a file from another without its content: any write, chmod or rename changes it. */
export function identityOf({ ino, ctimeNs, size }: BigIntStats): string {
  const text = [ino, ctimeNs, size].join(' ')
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

async function own(file: FileHandle, { uid, gid, mode }: FileAttributes): Promise<void> {
  const stats = await file.stat()
  const owner = uid ?? stats.uid
  const group = gid ?? stats.gid
  // Setting what is already so may need a privilege that one does not have.
  if (owner !== stats.uid || group !== stats.gid) await file.chown(owner, group)
  await file.chmod(mode)
}

async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const content = Buffer.alloc(Math.max(size, smallestOffHeap)).subarray(0, size)
  for (let filled = 0; filled < size; ) {
    const { bytesRead } = await file.read(content, filled, size - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return content
}
