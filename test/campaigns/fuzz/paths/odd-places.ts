import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What only root may make, or only some file systems have. */
const oddities = ['device', 'immutable', 'tmpfs', 'bound', 'read-only'] as const

/**
 * Makes each of them and says its name where that works. Undoes all at the end of its input, which comes also when the
 * campaign is killed: no mount and no immutable file is left.
 */
const script = `
trap '' INT TERM HUP
cd "$1"
exec 2>/dev/null
mknod device c 1 3 && echo device
chattr +i immutable/* && chattr +i immutable && echo immutable
mount -t tmpfs -o size=8m,mode=0700 rekeyd tmpfs && echo tmpfs
mount --bind bound/file bound/file && echo bound
mount -t tmpfs -o size=2m,mode=0700 rekeyd read-only &&
  cp -a immutable/. read-only/ && mount -o remount,ro read-only && echo read-only
echo done
cat >/dev/null
chattr -i immutable immutable/*
for place in bound/file tmpfs read-only; do umount -l "$place"; done
rm -f device
`

/** Things that take a process to make, once for all cases; a case takes them over by a hard link. */
export class OddPlaces {
  readonly folder: string
  readonly present: ReadonlySet<string>
  readonly #keeper: ChildProcess

  private constructor(folder: string, present: ReadonlySet<string>, keeper: ChildProcess) {
    this.folder = folder
    this.present = present
    this.#keeper = keeper
  }

  /** @param files what lies in the places that nobody can change, by name */
  static async make(folder: string, files: Readonly<Record<string, Buffer>>): Promise<OddPlaces> {
    for (const name of ['immutable', 'tmpfs', 'bound', 'read-only']) {
      mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
    }
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, 'immutable', name), content, { mode: 0o640 })
    }
    writeFileSync(join(folder, 'bound', 'file'), 'bound')
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const server = createServer().listen(join(folder, 'listening'))
    await once(server, 'listening')
    // Closing removes the name that was bound.
    execFileSync('ln', [join(folder, 'listening'), join(folder, 'socket')])
    server.close()
    const keeper = spawn('sh', ['-c', script, 'sh', folder], { stdio: ['pipe', 'pipe', 'ignore'] })
    const present = new Set<string>()
    for await (const line of createInterface({ input: keeper.stdout })) {
      if (line === 'done') break
      present.add(line)
    }
    return new OddPlaces(folder, present, keeper)
  }

  get missing(): readonly string[] {
    return oddities.filter((name) => !this.present.has(name))
  }

  async dispose(): Promise<void> {
    const ended = once(this.#keeper, 'exit')
    this.#keeper.stdin?.end()
    await ended
  }
}
