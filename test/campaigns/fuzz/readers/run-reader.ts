import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

export interface Ran {
  readonly exit: number | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** Runs a program of the system, found on the usual path, with nothing in its environment but that path. */
export async function runReader(
  argv: readonly string[],
  { stdin, cwd = '/' }: { readonly stdin?: string; readonly cwd?: string } = {},
): Promise<Ran> {
  const [program = '', ...args] = argv
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
  // Node's pipes are sockets; bash takes a socket for a remote login and reads somebody's .bashrc.
  const child = spawn(program, args, {
    env,
    cwd,
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  if (!child.stdout || !child.stderr) throw new RangeError('no pipes')
  const exited = once(child, 'exit') as Promise<[number | null]>
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin)
  const [[exit], stdout, stderr] = await Promise.all([
    exited,
    buffer(child.stdout),
    buffer(child.stderr),
  ])
  return { exit, stdout, stderr }
}

/** Lends a folder with these contents as files named 0, 1, 2, … */
export async function withFiles<T>(
  contents: readonly Buffer[],
  use: (folder: string, paths: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-reader-'))
  try {
    const paths = contents.map((_, index) => join(folder, String(index)))
    await Promise.all(paths.map((path, index) => writeFile(path, contents[index] ?? '')))
    return await use(folder, paths)
  } finally {
    await rm(folder, { recursive: true })
  }
}
