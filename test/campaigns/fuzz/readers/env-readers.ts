import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { runReader, withFiles } from './run-reader.ts'

/** Variables by name, as text of which each character is a byte; undefined where the program refuses the file. */
export type Variables = Readonly<Record<string, string>> | undefined

/** A program that reads files of environment variables, and is not ours. */
export interface EnvReader {
  readonly name: string
  read(files: readonly Buffer[]): Promise<readonly Variables[]>
}

const all: Readonly<Record<string, readonly EnvReader[]>> = {
  shell: [['sh'], ['bash', '--posix'], ['busybox', 'sh']].map(shellReader),
  systemd: [{ name: "systemd's library", read: readAsSystemd }],
  docker: [{ name: 'docker', read: readAsDocker }],
  compose: [{ name: 'docker compose', read: readAsCompose }],
}

export interface EnvReaders {
  readonly by: ReadonlyMap<string, readonly EnvReader[]>
  readonly missing: readonly string[]
}

/** The readers that there are here, by dialect, found out by having each read something. */
export async function envReaders(): Promise<EnvReaders> {
  const by = new Map<string, EnvReader[]>()
  const missing: string[] = []
  for (const [dialect, readers] of Object.entries(all)) {
    for (const reader of readers) {
      const [found] = await reader.read([Buffer.from('A=1\n')]).catch(() => [])
      if (found?.['A'] === '1') by.set(dialect, [...(by.get(dialect) ?? []), reader])
      else missing.push(reader.name)
    }
  }
  return { by, missing }
}

/**
 * Programs are named by their path within, and nothing can be written: what a shell file says beside assignments
 * does nothing.
 */
function shellReader(argv: readonly string[]): EnvReader {
  const script = `
    PATH=/nowhere; set -C; ulimit -f 0
    for file; do
      printf '\\0#\\0'
      (set -a; . "$file" >/dev/null 2>&1 </dev/null && exec /usr/bin/env -0)
    done`
  return {
    name: argv[0] ?? '',
    read: (files) =>
      withFiles(files, async (_, paths) => {
        const { stdout } = await runReader([...argv, '-c', script, 'reader', ...paths])
        return stdout.toString('latin1').split('\0#\0').slice(1).map(ofNulSeparated)
      }),
  }
}

/** Of what the shell itself sets. */
const shellsOwn = new Set(['PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'])

function ofNulSeparated(text: string): Variables {
  if (text === '') return undefined
  const entries = text.split('\0').filter(Boolean).map(ofEntry)
  return Object.fromEntries(entries.filter(([name]) => !shellsOwn.has(name)))
}

function ofEntry(entry: string): readonly [string, string] {
  const sign = entry.indexOf('=')
  return [entry.slice(0, sign), entry.slice(sign + 1)]
}

async function readAsSystemd(files: readonly Buffer[]): Promise<readonly Variables[]> {
  return withFiles(files, async (_, paths) => {
    const script = join(import.meta.dirname, 'systemd_environment.py')
    const { stdout } = await runReader(['/usr/bin/python3', script], { stdin: paths.join('\n') })
    const lines = stdout.toString().trim().split('\n')
    return lines.map((line) => (JSON.parse(line) as Variables | null) ?? undefined)
  })
}

/** The CLI reads the files itself; what it then asks of the engine shows what it read. */
async function readAsDocker(files: readonly Buffer[]): Promise<readonly Variables[]> {
  const marks = files.map((_, index) => Buffer.from(`${mark}=${index}`))
  return withFiles([...files, ...marks], async (folder, paths) => {
    const socket = join(folder, 'engine.sock')
    await using engine = await listeningEngine(socket)
    const refused = new Set<number>()
    for (;;) {
      const used = files.map((_, index) => index).filter((index) => !refused.has(index))
      const options = used
        .flatMap((index) => [paths[files.length + index] ?? '', paths[index] ?? ''])
        .flatMap((path) => ['--env-file', path])
      const { stderr } = await runReader([
        'docker',
        '-H',
        `unix://${socket}`,
        'create',
        ...options,
        'x',
      ])
      const environment = engine.asked.at(-1)
      if (environment) return byMarks(environment, files.length)
      const [, bad] = /invalid env file \(\S*\/(\d+)\)/.exec(stderr.toString()) ?? []
      if (bad === undefined || refused.has(Number(bad))) throw new Error(stderr.toString())
      refused.add(Number(bad))
    }
  })
}

const mark = 'REKEYD_CASE'

/** A Docker engine that makes containers of nothing. */
async function listeningEngine(socket: string) {
  const asked: (readonly string[])[] = []
  const answer = async (question: IncomingMessage, reply: ServerResponse) => {
    reply.setHeader('api-version', '1.41')
    if (question.method !== 'POST') return reply.end('OK')
    const { Env } = (await json(question)) as { readonly Env?: readonly string[] }
    asked.push(Env ?? [])
    return reply.writeHead(201, { 'content-type': 'application/json' }).end('{"Id":"x"}')
  }
  const engine = createServer((question, reply) => void answer(question, reply))
  engine.listen(socket)
  await once(engine, 'listening')
  return {
    asked,
    async [Symbol.asyncDispose]() {
      engine.closeAllConnections()
      await new Promise<void>((resolve) => void engine.close(() => resolve()))
    },
  }
}

/** Takes a list apart that has a mark before what each file gave. */
function byMarks(environment: readonly string[], count: number): readonly Variables[] {
  const found: Record<string, string>[] = Array.from({ length: count })
  let current: Record<string, string> = {}
  for (const [name, value] of environment.map((entry) => ofEntry(latin1(entry)))) {
    if (name === mark) found[Number(value)] = current = {}
    else current[name] = value
  }
  return found
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Compose v2, which shows what it made of each service's `env_file`. */
async function readAsCompose(files: readonly Buffer[]): Promise<readonly Variables[]> {
  return withFiles(files, async (folder, paths) => {
    const refused = new Set<number>()
    for (;;) {
      const used = paths
        .map((path, index) => [index, path] as const)
        .filter(([index]) => !refused.has(index))
      const services = Object.fromEntries(
        used.map(([index, path]) => [`s${index}`, { image: 'x', env_file: [path] }]),
      )
      const argv = ['docker', 'compose', '-f', '-', 'config', '--format', 'json']
      const { exit, stdout, stderr } = await runReader(argv, {
        stdin: JSON.stringify({ name: 'rekeyd', services }),
        cwd: folder,
      })
      if (exit === 0) return composed(JSON.parse(stdout.toString()) as Composed, files.length)
      const [, bad] = /\/(\d+): /.exec(stderr.toString()) ?? []
      if (bad === undefined || refused.has(Number(bad))) throw new Error(stderr.toString())
      refused.add(Number(bad))
    }
  })
}

interface Composed {
  readonly services: Readonly<
    Record<string, { readonly environment?: Readonly<Record<string, string | null>> }>
  >
}

/** A dollar is doubled in what Compose prints, so that it can be read again. */
function composed({ services }: Composed, count: number): readonly Variables[] {
  return Array.from({ length: count }, (_, index) => {
    const service = services[`s${index}`]
    if (!service) return undefined
    const entries = Object.entries(service.environment ?? {}).flatMap(([name, value]) =>
      value === null ? [] : [[latin1(name), latin1(value.replaceAll('$$', '$'))] as const],
    )
    return Object.fromEntries(entries)
  })
}
