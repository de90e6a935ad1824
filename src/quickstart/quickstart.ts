import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { createDemoDatabase } from './demo-database.ts'

export interface Quickstart {
  readonly configPath: string
  /** Where the demo server answers. */
  readonly site: string
  /** Ends the demo server. */
  close(): void
}

const defaultPorts = { metrics: 9470, admin: 9471, demo: 9443 }

/**
 * Lays the quickstart out under `folder` where it is not there yet: a configuration, and a demo chat
 * server with a SQLCipher database of some 50 MB. Starts the server.
 */
export async function prepareQuickstart(folder: string): Promise<Quickstart> {
  const root = resolve(folder)
  const chat = join(root, 'chat')
  const configPath = join(root, 'rekeyd.yaml')
  mkdirSync(join(chat, 'tls'), { recursive: true, mode: 0o700 })
  if (!existsSync(configPath)) await layOut(root, chat, configPath)
  const environment = join(chat, 'secrets.env')
  if (!existsSync(environment)) {
    const key = randomBytes(32).toString('base64url')
    writeFileSync(environment, `DB_KEY=${key}\n`, { mode: 0o600, flag: 'wx' })
  }
  const key = /^DB_KEY=["']?([\w-]+)/m.exec(readFileSync(environment, 'utf8'))?.[1] ?? ''
  await createDemoDatabase(join(chat, 'chat.db'), Buffer.from(key))
  const port = portOf(configPath)
  start(chat, port)
  return { configPath, site: `https://127.0.0.1:${port}`, close: () => end(chat) }
}

/** The template's words in capitals become this machine's paths and ports; JSON strings are YAML strings, too. */
async function layOut(folder: string, chat: string, configPath: string): Promise<void> {
  const demoPort = await freePort(defaultPorts.demo)
  const metricsPort = await freePort(defaultPorts.metrics)
  const adminPort = await freePort(defaultPorts.admin)
  const [node = '', server = ''] = demoCommand(chat, demoPort)
  const config = readFileSync(join(import.meta.dirname, 'quickstart.yaml'), 'utf8')
    .replaceAll('METRICS_PORT', String(metricsPort))
    .replaceAll('ADMIN_PORT', String(adminPort))
    .replaceAll('DEMO_PORT', String(demoPort))
    .replaceAll('"NODE"', JSON.stringify(node))
    .replaceAll('"SERVER"', JSON.stringify(server))
    .replaceAll('"FOLDER', JSON.stringify(folder).slice(0, -1))
  writeFileSync(configPath, config, { mode: 0o600, flag: 'wx' })
}

function demoCommand(chat: string, port: number): readonly string[] {
  const own = import.meta.filename
  const server = join(
    import.meta.dirname,
    own.endsWith('.ts') ? 'demo-server.ts' : 'demo-server.js',
  )
  return [process.execPath, server, chat, String(port)]
}

/** The port in the configuration as it is now: the operator may have changed it. */
function portOf(configPath: string): number {
  return Number(/connect: "127\.0\.0\.1:(\d+)"/.exec(readFileSync(configPath, 'utf8'))?.[1])
}

function start(chat: string, port: number): void {
  if (runningPid(chat) !== undefined) return
  const [program = '', ...args] = demoCommand(chat, port)
  const log = openSync(join(chat, 'server.log'), 'a', 0o600)
  spawn(program, args, { detached: true, stdio: ['ignore', log, log], env: {} }).unref()
}

function end(chat: string): void {
  const pid = runningPid(chat)
  if (pid !== undefined) process.kill(pid, 'SIGTERM')
}

function runningPid(chat: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(chat, 'server.pid'), 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

/** The wanted port, or one that the system chooses where it is taken. */
function freePort(wanted: number): Promise<number> {
  return new Promise((found, reject) => {
    const probe = createServer()
    probe.once('error', () => {
      if (wanted === 0) reject(new Error('no free port'))
      else freePort(0).then(found, reject)
    })
    probe.listen(wanted, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : wanted
      probe.close(() => found(port))
    })
  })
}
