import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type BrowserContext, chromium, type Page, type Worker } from 'playwright-core'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { PublicView } from '../../src/operations/public-keys.ts'
import type { RotationView } from '../../src/operations/views.ts'
import { needs } from '../support/parts.ts'
import { DaemonProcess } from './daemon-process.ts'
import { freePort } from './free-port.ts'
import { preamble } from './scratch-rekeyd.ts'

/** Milliseconds that anything in the browser may take: this machine may be busy. */
const patience = 60_000
const example = join(import.meta.dirname, '../../deploy/examples/web-push-resubscribe')

interface Application {
  readonly server: Server
  sendAll(message: object): Promise<void>
}
/** A push message as the push service would have got it. */
interface Sent {
  readonly endpoint: string
  readonly authorization: string
}

/** As the server keeps a subscription. */
interface Kept {
  readonly key_id: string
}

/** A condition that a loaded machine may take its time for. */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 1_200; look += 1) {
    if (await holds()) return
    await pause(50)
  }
  assert.fail(what)
}

/**
 * Stands in for the push service: what `subscribe` would have got from it. The rest of the Push API is the browser's.
 * Keeps the subscription over visits, as a browser does, and notes what was asked of it.
 */
function standIn(): string {
  const pair = createECDH('prime256v1')
  const p256dh = pair.generateKeys('base64url')
  const auth = randomBytes(16).toString('base64url')
  return `{
    const kept = self.localStorage ?? { getItem: (name) => kept[name] ?? null, setItem: (name, value) => { kept[name] = value }, removeItem: (name) => { delete kept[name] } }
    self.pushCalls = []
    const present = () => {
      const text = kept.getItem('push')
      if (text === null) return null
      const { endpoint, key } = JSON.parse(text)
      return {
        endpoint,
        options: { userVisibleOnly: true, applicationServerKey: Uint8Array.from(key).buffer },
        async unsubscribe() { pushCalls.push('unsubscribe'); kept.removeItem('push'); return true },
        toJSON: () => ({ endpoint, expirationTime: null, keys: { p256dh: '${p256dh}', auth: '${auth}' } }),
      }
    }
    PushManager.prototype.getSubscription = async () => present()
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
      pushCalls.push('subscribe')
      if (present()) throw new DOMException('a subscription with another key exists', 'InvalidStateError')
      const endpoint = 'https://push.example.com/' + crypto.randomUUID()
      kept.setItem('push', JSON.stringify({ endpoint, key: [...applicationServerKey] }))
      return present()
    }
  }`
}

describe('the example of a resubscribing application in Chromium', needs('chromium'), () => {
  let folder: string
  let origin: string
  let publicKeys: string
  let daemon: DaemonProcess
  let application: Application
  let context: BrowserContext
  const sent: Sent[] = []
  const path = (name: string) => join(folder, 'rekeyd', name)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-web-push-'))
    execFileSync('mkdir', ['-m', '700', join(folder, 'rekeyd')])
    const port = await freePort('tcp')
    publicKeys = `http://127.0.0.1:${port}/v1/public/push`
    writeFileSync(path('secret'), `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
    application = await createApplication()
    application.server.listen(0, '127.0.0.1')
    await once(application.server, 'listening')
    origin = `http://127.0.0.1:${(application.server.address() as AddressInfo).port}`
    writeFileSync(path('rekeyd.yaml'), config(port), { mode: 0o600 })
    await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
    daemon = await DaemonProcess.start(path('rekeyd.yaml'), path('admin.sock'), path('log'))
  })
  after(async () => {
    await daemon?.stop()
    application?.server.close()
    application?.server.closeAllConnections()
    if (folder) rmSync(folder, { recursive: true })
  })
  afterEach(() => context?.close())

  function config(port: number): string {
    const target = (name: string, version: string) =>
      `{ file: { path: ${path(name)}, part: private_key, format: base64url, version: ${version} } }`
    return `${preamble(folder)}
public:
  listen: "127.0.0.1:${port}"
  webhook: { url: ${origin}/rekeyd, secret: { file: ${path('secret')} } }
materials:
  push: { kind: vapid, public: true, rotate: { every: 30d }, overlap: 30d, verify: none, on_missing: create, targets: [${target('now', 'active')}, ${target('before', 'previous')}] }
`
  }

  async function createApplication(): Promise<Application> {
    const program = (await import(join(example, 'server.js'))) as {
      createApplication(options: object): Application
    }
    return program.createApplication({
      publicKeys,
      secret: path('secret'),
      keys: [path('now'), path('before')],
      state: path('subscriptions.json'),
      contact: 'mailto:ops@example.com',
      async post(endpoint: string, { headers }: { headers: { Authorization: string } }) {
        sent.push({ endpoint, authorization: headers.Authorization })
        return { status: 201 }
      },
    })
  }

  /** A browser of its own, whose push service is stood in for unless told otherwise. */
  async function open(hasPushService = true): Promise<Page> {
    const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
    const profile = mkdtempSync(join(folder, 'profile-'))
    context = await chromium.launchPersistentContext(profile, {
      executablePath: executablePath.trim(),
      // As root Chromium has no sandbox of its own to offer.
      args: ['--no-sandbox'],
    })
    context.setDefaultTimeout(patience)
    await context.grantPermissions(['notifications'], { origin })
    if (hasPushService) await context.addInitScript(standIn())
    const page = await context.newPage()
    await page.goto(origin)
    return page
  }

  const said = (page: Page, state: string) =>
    page.locator(`#state[data-state^="${state}"]`).waitFor()
  const calls = (page: Page) => page.evaluate<string[]>('pushCalls')
  const view = async () => (await (await fetch(`${origin}/push-keys`)).json()) as PublicView

  async function subscribed(): Promise<Page> {
    const page = await open()
    await said(page, 'not subscribed')
    await page.getByRole('button', { name: 'Subscribe' }).click()
    await said(page, 'subscribed')
    return page
  }

  async function rotate(): Promise<void> {
    const { id } = await daemon.ask<{ id: string }>('POST', '/v1/materials/push/rotate', {})
    for (;;) {
      const { result } = await daemon.ask<RotationView>('GET', `/v1/rotations/${id}?wait=1`)
      if (result === undefined) continue
      return assert.equal(result, 'applied_unproved')
    }
  }

  /** The worker of the page, with the same stand-in: it has a Push API of its own. */
  async function workerOf(page: Page): Promise<Worker> {
    await until('there is no service worker', () => page.context().serviceWorkers().length > 0)
    const worker = page.context().serviceWorkers()[0] ?? assert.fail()
    await worker.evaluate(standIn())
    return worker
  }

  it('says so when the push service cannot be reached', async () => {
    const page = await open(false)
    await said(page, 'not subscribed')
    await page.getByRole('button', { name: 'Subscribe' }).click()
    // Chromium waits for its push service without an end, or ends with an AbortError.
    await page.locator('#state').filter({ hasText: 'The push service cannot be reached' }).waitFor()
    assert.match(
      (await page.locator('#state').getAttribute('data-state')) ?? '',
      /^failed: (AbortError|TimeoutError)$/,
    )
    await page.getByRole('button', { name: 'Subscribe' }).waitFor()
  })

  it('subscribes, does nothing while the key is the same, and subscribes anew when it changed', async () => {
    const page = await subscribed()
    assert.deepEqual(await calls(page), ['subscribe'])
    await page.reload()
    await said(page, 'unchanged')
    assert.deepEqual(await calls(page), [])
    await rotate()
    await page.reload()
    await said(page, 'resubscribed')
    assert.deepEqual(await calls(page), ['unsubscribe', 'subscribe'])
    await page.reload()
    await said(page, 'unchanged')
  })

  it('is told by rekeyd, and signs for an old subscription with the key that retires', async () => {
    const page = await subscribed()
    const { current: old } = await view()
    const { endpoint } = await page.evaluate<{ endpoint: string }>(
      `JSON.parse(localStorage.getItem('push'))`,
    )
    sent.length = 0
    await rotate()
    await until('no push was sent', () => sent.some((one) => one.endpoint === endpoint))
    const { authorization } = sent.find((one) => one.endpoint === endpoint) ?? assert.fail()
    const [, token = '', key] = /^vapid t=(.+), k=(.+)$/.exec(authorization) ?? []
    assert.equal(key, old?.parts['public_key'])
    const [head, claims, signature = ''] = token.split('.')
    const publicKey = createPublicKey({ key: old?.jwk ?? assert.fail(), format: 'jwk' })
    const signed = Buffer.from(`${head}.${claims}`)
    const bytes = Buffer.from(signature, 'base64url')
    assert.ok(verify('sha256', signed, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes))
  })

  it('shows the retiring key until its end', async () => {
    const { current, retiring } = await view()
    assert.deepEqual(
      retiring.map(({ version }) => version),
      [(current?.version ?? 0) - 1],
    )
    assert.ok(Date.parse(retiring[0]?.until ?? '') > Date.now())
    await daemon.ask('POST', '/v1/materials/push/end-overlap', {})
    await until('it is still there', async () => (await view()).retiring.length === 0)
    assert.equal((await view()).current?.version, current?.version)
  })

  it('resubscribes in its service worker on a push, and when the browser gave the subscription up', async () => {
    const page = await subscribed()
    const worker = await workerOf(page)
    const cdp = await page.context().newCDPSession(page)
    const registered = new Promise<string>((resolve) => {
      cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const [one] = registrations
        if (one) resolve(one.registrationId)
      })
    })
    await cdp.send('ServiceWorker.enable')
    const registrationId = await registered
    // The subscription of the browser, with a key that is no longer in use.
    await worker.evaluate(
      `PushManager.prototype.subscribe({ applicationServerKey: new Uint8Array(65) }).then(() => { pushCalls.length = 0 })`,
    )
    const data = JSON.stringify({ type: 'resubscribe' })
    await cdp.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data })
    await said(page, 'resubscribed')
    assert.deepEqual(await worker.evaluate<string[]>('pushCalls'), ['unsubscribe', 'subscribe'])

    await worker.evaluate(
      `PushManager.prototype.getSubscription().then((one) => one.unsubscribe())`,
    )
    // Only the browser itself can make an event that may be waited for.
    await worker.evaluate(`{
      const event = new ExtendableEvent('pushsubscriptionchange')
      Object.defineProperty(event, 'waitUntil', { value: (work) => { self.pending = work } })
      self.dispatchEvent(event)
    }
    self.pending`)
    await said(page, 'subscribed')
    const { current } = await view()
    const kept = Object.values(
      JSON.parse(readFileSync(path('subscriptions.json'), 'utf8')) as Record<string, Kept>,
    )
    // Each took the place of the one before it.
    assert.equal(kept.filter(({ key_id: id }) => id === current?.key_id).length, 1)
  })
})
