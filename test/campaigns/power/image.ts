import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** File systems whose habits after a power cut differ; what each forgives, another does not. */
export const fileSystems = {
  ext4: { size: '64M', make: ['mkfs.ext4', '-qF'], options: 'loop' },
  'ext4 noauto_da_alloc': {
    size: '64M',
    make: ['mkfs.ext4', '-qF'],
    options: 'loop,noauto_da_alloc',
  },
  xfs: { size: '300M', make: ['mkfs.xfs', '-qf'], options: 'loop' },
} as const
export type FileSystem = keyof typeof fileSystems

/** EXT4_IOC_SHUTDOWN of linux/fs/ext4/ext4.h; XFS takes the same number. */
const shutdown = 0x8004587d
/** Drop everything that was not flushed; or flush the journal, and nothing else, before. */
export const cuts = { nothing: 2, journal: 1 } as const

/** A file system in a file, mounted at one place, whose power can be cut. */
export class Image {
  readonly #path: string
  readonly #at: string
  readonly #type: FileSystem

  constructor(path: string, at: string, type: FileSystem) {
    this.#path = path
    this.#at = at
    this.#type = type
  }

  async make(): Promise<void> {
    const { size, make } = fileSystems[this.#type]
    const [program = '', ...args] = make
    await run('truncate', ['-s', size, this.#path])
    await run(program, [...args, this.#path])
  }

  /** The same again in another file, in the same place once it is mounted. */
  async copyTo(path: string): Promise<Image> {
    await run('cp', ['--sparse=always', this.#path, path])
    return new Image(path, this.#at, this.#type)
  }

  /** The loop device ends with the mount. */
  async mount(): Promise<void> {
    mkdirSync(this.#at, { recursive: true, mode: 0o700 })
    const mount = ['-o', fileSystems[this.#type].options, this.#path, this.#at]
    // The loop device that was free when `mount` looked may be another lane's by now.
    for (let left = 5; ; left -= 1) {
      try {
        await run('mount', mount)
        return
      } catch (error) {
        if (left === 0) throw error
        await pause(100)
      }
    }
  }

  /** From here on nothing reaches the disk. */
  cut(left: keyof typeof cuts): void {
    // Perl is part of every Debian, and Node has no ioctl.
    const program = `open(my $f, '<', $ARGV[0]) or die; ioctl($f, ${shutdown}, pack('L', $ARGV[1])) or die "$!"`
    execFileSync('perl', ['-e', program, this.#at, String(cuts[left])])
  }

  /** Waits for what was killed to let go of it. */
  async unmount(): Promise<void> {
    for (let left = 100; ; left -= 1) {
      try {
        await run('umount', [this.#at])
        return
      } catch (error) {
        if (left === 0) throw error
        await pause(50)
      }
    }
  }
}

/** For the end of a campaign, however it ends. */
export function unmountAnyhow(at: string): void {
  try {
    execFileSync('umount', ['--lazy', at], { stdio: 'ignore' })
  } catch {
    // It was not mounted.
  }
}
