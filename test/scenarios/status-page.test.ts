import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Scope } from '../../src/api-tokens/api-token.ts'
import { addToken, revokeToken } from '../../src/api-tokens/edit-token-file.ts'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { MaterialView, RotationView } from '../../src/operations/views.ts'
import { newToken } from '../admin/scratch-tokens.ts'
import { needs } from '../support/parts.ts'
import { DaemonProcess } from './daemon-process.ts'
import { freePort } from './free-port.ts'
import { preamble } from './scratch-rekeyd.ts'

/** Milliseconds that anything on the page may take: this machine may be busy. */
const patience = 60_000
const wide = { width: 1360, height: 900 }
const narrow = { width: 360, height: 780 }

let folder: string
let url: string
let daemon: DaemonProcess
let browser: Browser
/** What a browser complained of since the test began: blocked by the policy, or thrown. */
let complaints: string[] = []
const path = (name: string) => join(folder, 'rekeyd', name)

/** The verifier of `checked` wants what is in the file `good`, where there is one. */
function config(port: number): string {
  const http = `http: { listen: "127.0.0.1:${port}", tokens: ${path('tokens.yaml')} }`
  const verify = `[{ command: { run: [/bin/sh, ${path('verify.sh')}] } }]`
  return `${preamble(folder).replace(/^admin:.*$/m, `admin: { socket: { path: ${path('admin.sock')} }, ${http} }`)}
consumers:
  chat: { command: { stop: [/bin/true], start: [/bin/sleep, "0.3"] }, dwell: 1s }
materials:
  plain: { kind: token, rotate: { every: 30d }, verify: none, on_missing: create, consumers: [chat], targets: [{ file: { path: ${path('plain')} } }] }
  sessions: { kind: token, rotate: { every: 90d }, verify: none, on_missing: create, impact: "All <b>sessions</b> drop.", targets: [{ file: { path: ${path('sessions')} } }] }
  checked: { kind: token, rotate: on_compromise, verify: ${verify}, on_missing: create, targets: [{ file: { path: ${path('checked')} } }] }
`
}

before(async () => {
  if (needs('chromium').skip) return
  folder = mkdtempSync(join(tmpdir(), 'rekeyd-scenario-page-'))
  mkdirSync(join(folder, 'rekeyd'), { mode: 0o700 })
  const port = await freePort('tcp')
  url = `http://127.0.0.1:${port}/`
  const verify = `[ ! -e ${path('good')} ] || cmp -s ${path('good')} ${path('checked')}`
  writeFileSync(path('verify.sh'), verify, { mode: 0o600 })
  writeFileSync(path('rekeyd.yaml'), config(port), { mode: 0o600 })
  await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
  daemon = await DaemonProcess.start(path('rekeyd.yaml'), path('admin.sock'), path('log'))
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' })
  // As root Chromium has no sandbox of its own to offer.
  browser = await chromium.launch({ executablePath: executablePath.trim(), args: ['--no-sandbox'] })
})
after(async () => {
  await browser?.close()
  await daemon?.stop()
  if (folder) rmSync(folder, { recursive: true })
})
afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close()
  const found = complaints
  complaints = []
  assert.deepEqual(found, [])
})

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: wide, ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('blocked: ' + event.violatedDirective + ' ' + event.blockedURI))`,
  )
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (said) => {
    // The sign-in itself is an answer of 401.
    const isSignIn = /status of 401/.test(said.text())
    if (said.type() === 'error' && !isSignIn) complaints.push(said.text())
  })
  await page.goto(url)
  return page
}

let count = 0
/** A page of somebody who signed in. */
async function signedIn(scope: Scope, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await open(options)
  count += 1
  const { secret, token } = newToken(`${scope}-${count}`, { scope })
  await addToken(path('tokens.yaml'), token)
  await page.getByLabel('API token').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('.materials').waitFor()
  if (options.javaScriptEnabled !== false) await page.locator('#live.on').waitFor()
  return page
}

const material = (name: string) => daemon.ask<MaterialView>('GET', `/v1/materials/${name}`)
const log = (page: Page) => page.locator('#ask-log .steps li')
const said = (page: Page, words: string) => page.locator('#ask-said', { hasText: words }).waitFor()

describe('the status page in Chromium', needs('chromium'), () => {
  for (const [name, options] of [
    ['light and wide', { colorScheme: 'light' }],
    ['dark and narrow', { colorScheme: 'dark', viewport: narrow }],
  ] as const) {
    it(`starts a rotation by a click and shows it finish, ${name}`, async () => {
      const page = await signedIn('rotate', options)
      const before = (await material('plain')).active?.version ?? 0
      await page.getByRole('button', { name: 'Rotate plain' }).click()
      const dialog = page.getByRole('dialog', { name: 'Rotate plain now' })
      await dialog.getByText('What happens, step by step').click()
      await dialog.getByText('make the version after').waitFor()
      await dialog.getByLabel('Why, for the audit log').fill('a test of the page')
      await dialog.getByRole('button', { name: 'Rotate now' }).click()
      await said(page, 'step')
      await said(page, 'applied unproved')
      const { active } = await material('plain')
      assert.equal(active?.version, before + 1)
      const { rotations } = await daemon.ask<{ rotations: RotationView[] }>(
        'GET',
        '/v1/rotations?limit=1',
      )
      const [made] = rotations
      assert.equal(made?.actor, `api:rotate-${count}`)
      assert.equal(made?.reason, 'a test of the page')
      assert.deepEqual(
        await log(page).locator('b').allTextContents(),
        made?.steps.map(({ name }) => name),
      )
      await dialog.getByRole('button', { name: 'Close' }).click()
      await page
        .getByText(`plain ${before} → ${before + 1}`)
        .first()
        .waitFor()
    })
  }

  it('wants the name typed where clients break', async () => {
    const page = await signedIn('rotate')
    await page.getByRole('button', { name: 'Rotate sessions' }).click()
    await page.getByText('This hits clients: All <b>sessions</b> drop.').waitFor()
    const go = page.getByRole('button', { name: 'Rotate now' })
    const name = page.getByLabel('Type sessions if that is what you want')
    await go.click()
    await name.fill('session')
    await go.click()
    assert.equal((await material('sessions')).active?.version, 1)
    await name.fill('sessions')
    await go.click()
    await said(page, 'applied unproved')
    assert.equal((await material('sessions')).active?.version, 2)
  })

  it('gives the previous version back, and shows that, too', async () => {
    const page = await signedIn('admin')
    await page.getByRole('link', { name: 'sessions', exact: true }).click()
    await page.locator('#live.on').waitFor()
    await page.getByRole('button', { name: 'Roll back to version 1' }).click()
    await page.getByLabel('Type sessions').fill('sessions')
    await page.getByRole('button', { name: 'Roll back', exact: true }).click()
    await page.locator('#ask-said.applied_unproved, #ask-said.succeeded').waitFor()
    assert.equal((await material('sessions')).active?.version, 1)
  })

  it('says in words why a rotation did not succeed', async () => {
    const page = await signedIn('rotate')
    writeFileSync(path('good'), readFileSync(path('checked')), { mode: 0o600 })
    await page.getByRole('button', { name: 'Rotate checked' }).click()
    await page.getByRole('button', { name: 'Rotate now' }).click()
    await said(page, 'rolled back after')
    rmSync(path('good'))
    const { version } = (await material('checked')).active ?? {}
    assert.equal(version, 1)
    const why = page.locator('#ask-log > .log > .why')
    assert.match((await why.textContent()) ?? '', /verify\.sh does not show version 2/)
    await log(page).filter({ hasText: 'back: activate' }).waitFor()
  })

  it('shows the problem of the API with hint and id', async () => {
    const page = await signedIn('rotate')
    await page.getByRole('button', { name: 'Rotate plain' }).click()
    await page.locator('#ask-go:not([disabled])').waitFor()
    const problem = { detail: 'the <b>disk</b> is full', hint: 'make room', id: 'abc-123' }
    await page.route('**/rotate', (route) => route.fulfill({ status: 422, json: problem }))
    await page.getByRole('button', { name: 'Rotate now' }).click()
    const alert = page.locator('#ask-error p')
    await alert.first().waitFor()
    assert.deepEqual(await alert.allTextContents(), [
      'the <b>disk</b> is full',
      'make room',
      'id abc-123',
    ])
    await page.unroute('**/rotate')
    await page.getByRole('button', { name: 'Rotate now' }).click()
    await said(page, 'applied unproved')
    complaints = complaints.filter((text) => !text.includes('status of 422'))
  })

  it('asks for a token again once its own is revoked', async () => {
    const page = await signedIn('rotate')
    await page.getByRole('button', { name: 'Rotate plain' }).click()
    await page.locator('#ask-go:not([disabled])').waitFor()
    const { version } = (await material('plain')).active ?? {}
    await revokeToken(path('tokens.yaml'), `rotate-${count}`)
    await page.getByRole('button', { name: 'Rotate now' }).click()
    await page.getByLabel('API token').waitFor()
    assert.equal((await material('plain')).active?.version, version)
  })

  it('pauses with a reason, and resumes, with what happens elsewhere shown live', async () => {
    const page = await signedIn('rotate')
    await page.goto(`${url}materials/plain`)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByLabel('Until').selectOption({ label: 'in a week' })
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    assert.equal((await material('plain')).paused, undefined, 'it wants to know why')
    await page.getByLabel('Why').fill('the holidays')
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    await page.getByText('the holidays').first().waitFor()
    const { paused } = await material('plain')
    assert.equal(paused?.reason, 'the holidays')
    assert.ok(Date.parse(paused?.until ?? '') > Date.now() + 6 * 86_400_000)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click()
    await page.locator('#pause-plain').waitFor()
    const { id } = await daemon.ask<{ id: string }>('POST', '/v1/materials/plain/rotate', {})
    await page.locator(`#r-${id}`).waitFor()
  })

  it('is used by keyboard: into the dialog, out of it, and back to where one was', async () => {
    const page = await signedIn('rotate')
    const id = () => page.evaluate<string>('document.activeElement.id')
    for (let step = 0; step < 40 && !(await id()).startsWith('rotate-'); step += 1) {
      await page.keyboard.press('Tab')
    }
    const button = await id()
    assert.match(button, /^rotate-/)
    const outline = `getComputedStyle(document.activeElement).outlineStyle`
    assert.equal(await page.evaluate<string>(outline), 'solid')
    await page.keyboard.press('Enter')
    await page.locator('#ask[open]').waitFor()
    assert.ok(await page.evaluate<boolean>(`document.activeElement.closest('#ask') !== null`))
    await page.keyboard.press('Escape')
    assert.equal(await id(), button)
  })

  it('shows a reader everything and nothing to press', async () => {
    const page = await signedIn('read')
    await page.getByText('This token may only read.').waitFor()
    assert.equal(await page.locator('[data-do]').count(), 0)
  })

  it('still shows everything without JavaScript', async () => {
    const page = await signedIn('admin', { javaScriptEnabled: false })
    assert.equal(await page.locator('.materials tbody tr').count(), 3)
    assert.equal(await page.locator('.act:visible').count(), 0)
    await page.locator('noscript .banner', { hasText: 'this page only shows' }).waitFor()
    await page.locator('.rotations summary').first().click()
    await page.locator('.rotations .steps').first().waitFor()
    await page.getByRole('link', { name: 'plain', exact: true }).click()
    await page.getByRole('heading', { name: 'Versions' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API token').waitFor()
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, viewport] of [
      ['wide', wide],
      ['narrow', narrow],
    ] as const) {
      it(`has nothing that axe-core finds, ${colorScheme} and ${name}`, async () => {
        const options = { colorScheme, viewport, bypassCSP: true, reducedMotion: 'reduce' } as const
        await clean(await open(options))
        const page = await signedIn('admin', options)
        await clean(page)
        await page.getByRole('button', { name: 'Rotate sessions' }).click()
        await page.getByLabel('Type sessions').waitFor()
        await clean(page)
        await page.goto(`${url}materials/plain`)
        await clean(page)
      })
    }
  }
})

/** Nothing is wrong for people who see, hear or move otherwise, and nothing sticks out to the side. */
async function clean(page: Page): Promise<void> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[]
  }>('axe.run()')
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`,
  )
  assert.deepEqual(found, [])
  const [all = 0, seen = 0] = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )
  assert.ok(all <= seen, `${all} of ${seen} pixels`)
}
