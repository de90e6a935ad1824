import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addToken } from '../../../src/api-tokens/edit-token-file.ts'
import { createStoreFor } from '../../../src/assemble.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { newToken } from '../../admin/scratch-tokens.ts'
import { DaemonProcess } from '../../scenarios/daemon-process.ts'
import { freePort } from '../../scenarios/free-port.ts'
import { preamble } from '../../scenarios/scratch-rekeyd.ts'
import type { Door } from './door.ts'
import type { Credential, DoorName, Surroundings } from './hostile.ts'

/** A daemon with all its listeners, of which every secret is known. */
export class AdminHost {
  readonly doors: Readonly<Record<DoorName, Door>>
  readonly surroundings: Surroundings
  readonly daemon: DaemonProcess
  readonly #folder: string
  readonly #fixed = new Map<string, string>()
  readonly #values: string[] = []

  private constructor(
    folder: string,
    doors: AdminHost['doors'],
    daemon: DaemonProcess,
    surroundings: Surroundings,
  ) {
    this.#folder = folder
    this.doors = doors
    this.daemon = daemon
    this.surroundings = surroundings
    this.#fixed.set('the store key', readFileSync(join(folder, 'rekeyd/store.key'), 'latin1'))
    for (const [name, authorization] of Object.entries(surroundings.authorization)) {
      const token = authorization.replace('Bearer ', '')
      this.#fixed.set(`the ${name} token`, token)
      this.#fixed.set(`its hash, ${name}`, createHash('sha256').update(token).digest('hex'))
    }
  }

  static async start(): Promise<AdminHost> {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-admin-'))
    const path = (name: string) => join(folder, name)
    for (const name of ['rekeyd', 'out']) mkdirSync(path(name), { mode: 0o700 })
    const [http, metrics] = [await freePort('tcp'), await freePort('tcp')]
    const socket = path('rekeyd/admin.sock')
    const config = preamble(folder)
      .replace(
        /^admin:.*$/m,
        `admin: { socket: { path: ${socket} }, http: { listen: "127.0.0.1:${http}", tokens: ${path('tokens.yaml')} } }`,
      )
      .replace('127.0.0.1:0', `127.0.0.1:${metrics}`)
    const material = `materials:
  token: { kind: token, rotate: on_compromise, verify: none, on_missing: create, targets: [{ file: { path: ${path('token')} } }] }\n`
    writeFileSync(path('rekeyd/rekeyd.yaml'), config + material, { mode: 0o600 })
    writeFileSync(path('out/junk'), 'junk', { mode: 0o600 })
    await createStoreFor(await loadConfig({ path: path('rekeyd/rekeyd.yaml'), now: Date.now() }))
    const authorization = await makeTokens(path('tokens.yaml'))
    const daemon = await DaemonProcess.start(path('rekeyd/rekeyd.yaml'), socket, path('log'))
    const { paths } = await daemon.ask<{ paths: object }>('GET', '/openapi.json')
    const surroundings = { routes: Object.keys(paths), authorization, folder: path('out') }
    return new AdminHost(folder, { socket, http, metrics }, daemon, surroundings)
  }

  async end(): Promise<void> {
    await this.daemon.stop()
    rmSync(this.#folder, { recursive: true })
  }

  get log(): string {
    return readFileSync(join(this.#folder, 'log'), 'latin1')
  }

  /** What no answer may show: the fixed ones, and the newest values of the material. */
  secrets(): ReadonlyMap<string, string> {
    const value = readFileSync(join(this.#folder, 'token'), 'latin1')
    if (this.#values.at(-1) !== value) this.#values.push(value)
    const values = this.#values.slice(-10).map((value, age) => [`value ${age}`, value] as const)
    return new Map([...this.#fixed, ...values])
  }

  /** What an unauthorised request must not change. */
  async state(): Promise<string> {
    const { audit_head } = await this.daemon.ask<{ audit_head: string }>('GET', '/v1/status')
    const { versions } = await this.daemon.ask<{ versions: unknown }>('GET', '/v1/materials/token')
    const value = readFileSync(join(this.#folder, 'token'), 'latin1')
    return JSON.stringify([audit_head, versions, createHash('sha256').update(value).digest('hex')])
  }

  /** Seconds since the scheduler last ticked. */
  async sinceTick(): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.doors.metrics}/metrics`)
    const text = await answer.text()
    const tick = /^rekeyd_scheduler_last_tick_timestamp_seconds (\S+)$/m.exec(text)?.[1]
    return Date.now() / 1_000 - Number(tick)
  }

  /** Open descriptors, and memory in MiB. */
  footprint(): { readonly descriptors: number; readonly memory: number } {
    const { pid } = this.daemon
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return { descriptors: readdirSync(`/proc/${pid}/fd`).length, memory: Number(kib) / 1_024 }
  }
}

async function makeTokens(path: string): Promise<Readonly<Record<Credential, string>>> {
  const bearer = async (name: string, different: object) => {
    const { secret, token } = newToken(name, different)
    await addToken(path, token)
    return `Bearer ${secret}`
  }
  return {
    none: `Bearer ${newToken('none').secret}`,
    unknown: `Bearer ${newToken('unknown').secret}`,
    expired: await bearer('expired', { scope: 'admin', expires: '2020-01-01T00:00:00Z' }),
    malformed: `Bearer  ${newToken('x').secret} ${newToken('y').secret}`,
    read: await bearer('read', { scope: 'read' }),
    rotate: await bearer('rotate', { scope: 'rotate' }),
    admin: await bearer('admin', { scope: 'admin' }),
  }
}
