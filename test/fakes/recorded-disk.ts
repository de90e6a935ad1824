import fs from 'node:fs'
import promises, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { basename } from 'node:path'
import { mock } from 'node:test'

/**
 * Notes what this process does to files, in order and by their names: `create NAME MODE`, `own NAME`, `write NAME`,
 * `sync NAME` (of a folder, too), `rename FROM TO`. What survives a power cut follows from this order alone. SQLite
 * and child processes are not seen.
 */
export class RecordedDisk implements Disposable {
  readonly log: string[] = []
  /** Called before each effect; throws to make it fail. */
  before: (effect: string) => void = () => {}

  private constructor(handles: FileHandle) {
    const { fsyncSync, openSync, renameSync, writeFileSync } = fs
    const { open, rename } = promises
    const named = (fd: number) => basename(fs.readlinkSync(`/proc/self/fd/${fd}`))
    mock.method(fs, 'openSync', (path: string, flags: string | number, mode = 0o666) => {
      if (flags === 'wx') this.#note(`create ${basename(path)} ${mode.toString(8)}`)
      return openSync(path, flags, mode)
    })
    mock.method(fs, 'writeFileSync', (file: string | number, ...rest: [never]) => {
      this.#note(`write ${typeof file === 'number' ? named(file) : basename(file)}`)
      writeFileSync(file, ...rest)
    })
    mock.method(fs, 'fsyncSync', (fd: number) => {
      this.#note(`sync ${named(fd)}`)
      fsyncSync(fd)
    })
    mock.method(fs, 'renameSync', (from: string, to: string) => {
      this.#note(`rename ${basename(from)} ${basename(to)}`)
      renameSync(from, to)
    })
    mock.method(promises, 'open', async (path: string, flags: number, mode = 0o666) => {
      if ((flags & fs.constants.O_CREAT) !== 0) {
        this.#note(`create ${basename(path)} ${mode.toString(8)}`)
      }
      return open(path, flags, mode)
    })
    mock.method(promises, 'rename', async (from: string, to: string) => {
      this.#note(`rename ${basename(from)} ${basename(to)}`)
      await rename(from, to)
    })
    const words = { writeFile: 'write', sync: 'sync', chmod: 'own' } as const
    for (const [method, word] of Object.entries(words)) {
      const note = (effect: string) => this.#note(effect)
      const real = handles[method as keyof typeof words] as (...args: unknown[]) => Promise<void>
      mock.method(
        handles,
        method as 'sync',
        async function recorded(this: FileHandle, ...args: unknown[]) {
          note(`${word} ${named(this.fd)}`)
          await real.apply(this, args)
        },
      )
    }
    syncBuiltinESMExports()
  }

  /** Begins to record; the end of the scope ends it. */
  static async record(): Promise<RecordedDisk> {
    await using handle = await promises.open('/dev/null')
    return new RecordedDisk(Object.getPrototypeOf(handle) as FileHandle)
  }

  [Symbol.dispose](): void {
    mock.restoreAll()
    syncBuiltinESMExports()
  }

  /** Fails like a disk that is broken. */
  fail(effect: string): void {
    this.before = (next) => {
      if (next === effect) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    }
  }

  #note(effect: string): void {
    this.before(effect)
    this.log.push(effect)
  }
}
