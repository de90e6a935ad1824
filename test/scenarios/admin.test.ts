import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { RotationView, StatusView } from '../../src/operations/views.ts'
import { DaemonProcess } from './daemon-process.ts'
import { freePort } from './free-port.ts'
import { preamble } from './scratch-rekeyd.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')

let folder: string
let port: number
let daemon: DaemonProcess
const path = (name: string) => join(folder, 'rekeyd', name)

/** A token whose consumer does not start before the file `gate` is there. */
function write(http: string): void {
  const gate = `until [ -e ${path('gate')} ]; do sleep 0.05; done`
  writeFileSync(path('start.sh'), gate, { mode: 0o600 })
  const yaml = `
consumers:
  slow: { command: { stop: [/bin/true], start: [/bin/sh, ${path('start.sh')}] }, dwell: 1s }
materials:
  token: { kind: token, rotate: { every: 30d }, verify: none, on_missing: create, consumers: [slow], targets: [{ file: { path: ${path('token')} } }] }
`
  const admin = `admin: { socket: { path: ${path('admin.sock')} }, http: ${http} }`
  const text = preamble(folder).replace(/^admin:.*$/m, http === '' ? '$&' : admin) + yaml
  writeFileSync(path('rekeyd.yaml'), text, { mode: 0o600 })
}

const listening = () => `{ listen: "127.0.0.1:${port}", tokens: ${path('tokens.yaml')} }`

async function rekeyd(...argv: string[]): Promise<string> {
  const all = [program, ...argv, '--config', path('rekeyd.yaml')]
  const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = Promise.all([text(child.stdout), text(child.stderr)])
  const [exit] = (await once(child, 'exit')) as [number]
  const [out, err] = await said
  assert.equal(exit, 0, err)
  return out
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(
  token: string,
  method: string,
  path: string,
  agent: Agent | false = false,
): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` }
  const question = request({ host: '127.0.0.1', port, method, path, headers, agent }).end()
  const [answer] = (await once(question, 'response')) as [IncomingMessage]
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
}

const isThere = () =>
  ask('none', 'GET', '/healthz').then(
    () => true,
    () => false,
  )

async function reload(http: string, expected: boolean): Promise<void> {
  write(http)
  process.kill(daemon.pid, 'SIGHUP')
  for (let look = 0; look < 250 && (await isThere()) !== expected; look += 1) await pause(20)
  assert.equal(await isThere(), expected)
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rekeyd-scenario-admin-'))
  await mkdir(join(folder, 'rekeyd'), { mode: 0o700 })
  port = await freePort('tcp')
  write('')
  writeFileSync(path('gate'), '')
  await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
  daemon = await DaemonProcess.start(path('rekeyd.yaml'), path('admin.sock'), path('log'))
})
after(async () => {
  await daemon.stop()
  rmSync(folder, { recursive: true })
})

describe('a daemon with the admin API over TCP', () => {
  it('starts to listen, and ends, when the config is read again', async () => {
    assert.equal(await isThere(), false)
    await reload(listening(), true)
    await reload('', false)
    await reload(listening(), true)
  })

  it('keeps listening where the new config is bad', async () => {
    const taken = listening().replace('127.0.0.1', '192.0.2.1')
    write(taken.replace(' }', ', tls: { certificate: /nowhere.pem, key: /nowhere.key } }'))
    process.kill(daemon.pid, 'SIGHUP')
    const refused = () => readFileSync(path('log'), 'utf8').includes('config refused: cannot look')
    for (let look = 0; look < 250 && !refused(); look += 1) await pause(20)
    assert.ok(refused())
    assert.ok(await isThere())
    await reload(listening(), true)
  })

  it('answers a token from the moment it is made to the moment it is revoked', async () => {
    await rekeyd('api-token', 'add', 'ops', '--scope', 'rotate', '--out', path('ops.token'))
    const token = readFileSync(path('ops.token'), 'latin1')
    const { status, headers, body } = await ask(token, 'GET', '/v1/status')
    assert.equal(status, 200)
    const { audit_head: head } = JSON.parse(body) as StatusView
    assert.equal(headers['rekeyd-audit-head'], head)
    assert.match(head, /^\d+:[0-9a-f]{64}$/)
    assert.equal((await ask(token, 'POST', '/v1/materials/token/rollback')).status, 403)
    const { body: metrics } = await ask(token, 'GET', '/metrics')
    assert.match(metrics, /^rekeyd_api_token_expiration_timestamp_seconds\{token="ops"\} \d/m)
    await rekeyd('api-token', 'revoke', 'ops')
    assert.equal((await ask(token, 'GET', '/v1/status')).status, 401)
  })

  it('makes one rotation of a thousand that are asked for at once', async () => {
    const made = await rekeyd('api-token', 'add', 'ci', '--scope', 'rotate', '--stdout', '--json')
    const { token } = JSON.parse(made) as { token: string }
    rmSync(path('gate'))
    const agent = new Agent({ keepAlive: true, maxSockets: 50 })
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () => ask(token, 'POST', '/v1/materials/token/rotate', agent)),
    )
    agent.destroy()
    const counts = Map.groupBy(answers, ({ status }) => status)
    assert.equal(counts.get(202)?.length, 1)
    assert.equal(counts.get(409)?.length, 999)
    for (const { body } of counts.get(409) ?? []) {
      assert.equal((JSON.parse(body) as { kind: string }).kind, 'busy')
    }
    writeFileSync(path('gate'), '')
    const { id } = JSON.parse(counts.get(202)?.[0]?.body ?? '') as { id: string }
    const rotation = await daemon.ask<RotationView>('GET', `/v1/rotations/${id}?wait=1`)
    assert.equal(rotation.result, 'applied_unproved', rotation.detail)
    assert.equal(rotation.actor, 'api:ci')
    const { versions } = await daemon.ask<{ versions: object[] }>('GET', '/v1/materials/token')
    assert.equal(versions.length, 2)
  })
})
