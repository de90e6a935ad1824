import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { RotationView } from '../../src/operations/views.ts'
import { secretsIn } from '../campaigns/secret-copies.ts'
import { type Received, startSmtpServer } from '../fakes/smtp-server.ts'
import { startReceiver } from '../notices/http-receiver.ts'
import { DaemonProcess } from './daemon-process.ts'
import { openRekeyd, preamble } from './scratch-rekeyd.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')
const canary = () => `canary-${randomBytes(18).toString('base64url')}`

/** A condition that a loaded machine may take its time for. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let look = 0; look < 1_200 && !holds(); look += 1) await pause(50)
  assert.ok(holds(), what)
}

describe('a daemon that tells people', () => {
  let folder: string
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let mail: Awaited<ReturnType<typeof startSmtpServer>>
  let daemon: DaemonProcess | undefined
  const path = (name: string) => join(folder, 'rekeyd', name)
  /** Every value that was ever a secret here, by what it is. */
  const secrets = new Map<string, string>()
  const password = canary()

  const requests = (start: string) =>
    receiver.requests.filter((request) => request.path.startsWith(start))
  const titles = () =>
    requests('/hook').map(
      ({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title,
    )

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-notices-'))
    await mkdir(path(''), { recursive: true, mode: 0o700 })
    receiver = await startReceiver('ok')
    mail = await startSmtpServer({ login: { user: 'rekeyd', password } })
    secrets.set('the password of the mail server', password)
    writeFileSync(path('rekeyd.yaml'), preamble(folder) + config(), { mode: 0o600 })
    await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
    await start()
  })
  after(async () => {
    await daemon?.stop()
    await receiver.stop()
    await mail.stop()
    rmSync(folder, { recursive: true })
  })

  async function start(): Promise<void> {
    daemon = await DaemonProcess.start(path('rekeyd.yaml'), path('admin.sock'), path('daemon.log'))
  }

  /** Files with secrets, each of which is a canary. */
  function secret(name: string, value = canary()): string {
    secrets.set(name, value)
    return `{ file: ${receiver.secret(name, value).file} }`
  }

  function config(): string {
    const { origin } = receiver
    const key = `whsec_${randomBytes(32).toString('base64')}`
    writeFileSync(path('token'), canary(), { mode: 0o600 })
    writeFileSync(path('unproved'), canary(), { mode: 0o600 })
    return `
notices:
  ntfy: { url: ${origin}/topic, token: ${secret('the token of ntfy')} }
  webhook: { url: ${origin}/hook, secret: ${secret('the secret of the webhook', key)} }
  email:
    host: 127.0.0.1
    port: ${mail.port}
    from: rekeyd@example.com
    to: [ops@example.com]
    user: rekeyd
    password: ${secret('the password file', password)}
  heartbeat: { url: ${secret('the address of the heartbeat', `${origin}/beat/${canary()}`)} }
consumers:
  server: { command: { stop: [/bin/true], start: [/bin/true] }, dwell: 1s }
materials:
  token: { kind: token, rotate: { every: 1d }, verify: none, consumers: [server], targets: [{ file: { path: ${path('token')} } }] }
  unproved:
    kind: token
    rotate: { every: 90d }
    consumers: [server]
    targets: [{ file: { path: ${path('unproved')} } }]
    verify: [{ command: { run: [/bin/false] } }]
`
  }

  function collect(): void {
    for (const name of ['token', 'unproved']) {
      secrets.set(`${name}, ${secrets.size}`, readFileSync(path(name), 'utf8').trim())
    }
  }

  async function rotate(name: string): Promise<RotationView> {
    collect()
    const asked = await daemon?.ask<{ id: string }>('POST', `/v1/materials/${name}/rotate`, {})
    for (;;) {
      const rotation = await daemon?.ask<RotationView>('GET', `/v1/rotations/${asked?.id}?wait=1`)
      if (rotation?.result === undefined) continue
      collect()
      return rotation
    }
  }

  async function rekeyd(...argv: string[]) {
    const all = [program, ...argv, '--socket', path('admin.sock')]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = Promise.all([text(child.stdout), text(child.stderr)])
    const [exit] = (await once(child, 'exit')) as [number]
    const [out, err] = await said
    return { exit, out, err }
  }

  it('tells on every channel of the restart that is planned', async () => {
    const isThere = () =>
      titles().length > 0 && requests('/').some(({ path }) => path === '/') && mail.mails.length > 0
    await until('nobody was told of the restart', isThere)
    assert.match(titles()[0] ?? '', /^server restarts (tonight|today|tomorrow) \d\d:\d\d$/)
    const [one] = requests('/hook')
    assert.match(one?.body ?? '', /because token.*rekeyd pause token --until/)
  })

  it('beats', async () => {
    await until('no sign of life came', () => requests('/beat/').length > 0)
    assert.equal(requests('/beat/').length, 1)
  })

  it('tells of the first success, and how to undo it', async () => {
    assert.equal((await rotate('token')).result, 'applied_unproved')
    const told = () => titles().some((title) => title === 'token was rotated: version 1 → 2')
    await until('nobody was told of the success', told)
    const { body } = requests('/hook').at(-1) ?? assert.fail()
    assert.match(body, /Undo: `rekeyd rollback token`, until \w{3} \d+ \w{3} \d\d:\d\d \(UTC\)/)
  })

  it('tells that a person is needed', async () => {
    assert.equal((await rotate('unproved')).result, 'needs_attention')
    await until('nobody was told', () => titles().includes('unproved needs attention'))
  })

  it('says by `notify --test` that everybody is there', async () => {
    const { exit, out } = await rekeyd('notify', '--test', '--json')
    assert.equal(exit, 0)
    const { results } = JSON.parse(out) as { results: { channel: string; ok: boolean }[] }
    assert.deepEqual(
      results.map(({ channel, ok }) => [channel, ok]),
      ['ntfy', 'webhook', 'email', 'heartbeat'].map((channel) => [channel, true]),
    )
  })

  it('says by `notify --test` who is not there, with exit code 1', async () => {
    await mail.stop()
    const { exit, out } = await rekeyd('notify', '--test', '--channel', 'email')
    assert.equal(exit, 1)
    assert.match(out, /email +failed .* 127\.0\.0\.1 did not take the mail \(E\w+\)/)
    assert.equal((await rekeyd('notify', '--test', '--channel', 'pigeon')).exit, 2)
  })

  it('is started again, and tells nobody what they know', async () => {
    const before = titles()
    await daemon?.stop()
    await start()
    // More than it waits for things to settle.
    await pause(6_000)
    const again = titles().slice(before.length)
    // The restart is another one now: its date has moved with the rotation.
    assert.deepEqual(
      again.filter((title) => !title.startsWith('server restarts')),
      [],
    )
  })

  it('has told nobody a secret', () => {
    const shown: readonly (readonly [string, string])[] = [
      [
        'a webhook',
        requests('/hook')
          .map((one) => JSON.stringify(one))
          .join(),
      ],
      [
        'ntfy',
        requests('/')
          .filter(({ path }) => path === '/')
          .map(({ body }) => body)
          .join(),
      ],
      ['a mail', mail.mails.map(({ content }: Received) => content).join()],
      ['the log', readFileSync(path('daemon.log'), 'utf8')],
    ]
    assert.ok(secrets.size >= 8, `only ${secrets.size} secrets are known`)
    for (const [where, content] of shown) {
      assert.ok(content.length > 500, `${where} says nothing`)
      assert.deepEqual(secretsIn(Buffer.from(content), secrets), [], where)
    }
  })
})

describe('a channel that hangs', () => {
  it('delays neither ticks nor rotations, and a stop by seconds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-hanging-'))
    const receiver = await startReceiver('hangs')
    const token = join(folder, 'token')
    const rekeyd = await openRekeyd(
      folder,
      `
notices: { webhook: { url: ${receiver.origin} }, heartbeat: { url: ${receiver.origin} } }
materials:
  token: { kind: token, rotate: { every: 30d }, on_missing: create, verify: none, targets: [{ file: { path: ${token} } }] }
`,
    )
    try {
      await rekeyd.start()
      await rekeyd.rotate('token')
      await until('nothing was sent', () => receiver.requests.length > 1)
      const ticks = () => rekeyd.events.filter(({ type }) => type === 'scheduler.tick').length
      const before = ticks()
      const started = performance.now()
      assert.equal((await rekeyd.rotate('token')).result, 'applied_unproved')
      await until('the scheduler did not tick', () => ticks() > before)
      assert.ok(performance.now() - started < 10_000)
    } finally {
      const started = performance.now()
      await rekeyd.close()
      const took = performance.now() - started
      assert.ok(took < 10_000, `the stop took ${took} ms`)
      await receiver.stop()
      rmSync(folder, { recursive: true })
    }
  })
})
