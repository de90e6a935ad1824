import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { examineOffline } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { DoctorView } from '../../src/operations/outlook.ts'
import { FakeSystemctl } from '../fakes/fake-systemctl.ts'
import { preamble } from '../scenarios/scratch-rekeyd.ts'
import { treeOf } from '../support/tree.ts'

const value = 'abcdefghijklmnopqrstuvwxyz0123456789abcdefg'

describe('the doctor before there is a store', () => {
  let folder: string
  let fake: FakeSystemctl
  beforeEach(async () => {
    fake = await FakeSystemctl.create()
    folder = mkdtempSync(join(realpathSync(tmpdir()), 'rekeyd-doctor-'))
    mkdirSync(join(folder, 'rekeyd'), { mode: 0o700 })
    mkdirSync(join(folder, 'app'))
    for (const name of ['', 'app']) chmodSync(join(folder, name), 0o755)
  })
  afterEach(async () => {
    await fake.dispose()
    rmSync(folder, { recursive: true })
  })

  const path = (name: string) => join(folder, name)
  const put = (name: string, mode = 0o600) => writeFileSync(path(name), value, { mode })
  const unit = () => `app: { systemd: { unit: app, systemctl: ${fake.path} } }`
  const token = (more: string) =>
    `token: { kind: token, rotate: { every: 30d }, verify: none, ${more} }`
  const file = (more = '') => `targets: [{ file: { path: ${path('app/key')}${more} } }]`

  /** What it found of these checks, in its own order. Nothing but folders' times may change. */
  async function look(yaml: string, ...checks: readonly string[]): Promise<readonly string[]> {
    const view = await examine(yaml)
    const wanted = view.findings.filter(({ check }) => checks.includes(check))
    return wanted.map(({ level, check, message }) => `${level} ${check}: ${message}`)
  }

  async function examine(yaml: string): Promise<DoctorView> {
    const config = path('rekeyd/rekeyd.yaml')
    writeFileSync(config, preamble(folder) + yaml, { mode: 0o600 })
    const before = treeOf(folder)
    const view = await examineOffline(await loadConfig({ path: config, now: Date.now() }))
    assert.deepEqual(treeOf(folder), before)
    assert.ok(!JSON.stringify(view).includes(value), 'the value was printed')
    return view
  }

  const one = (material: string) => `consumers:\n  ${unit()}\nmaterials:\n  ${material}\n`

  it('finds a host on which all is well, and says what it would adopt', async () => {
    put('app/key')
    const view = await examine(one(token(`${file()}, consumers: [app]`)))
    assert.equal(view.ok, true, JSON.stringify(view.findings))
    assert.equal(view.daemon, false)
    const fine = view.findings.filter(({ level }) => level === 'ok').map(({ check }) => check)
    for (const check of ['target-writable', 'adoptable', 'consumer', 'consumer-verb', 'clock']) {
      assert.ok(fine.includes(check), check)
    }
    assert.ok(!existsSync(path('rekeyd/state')))
  })

  it('finds a folder that is not there, and a value that must not be made', async () => {
    const yaml = one(token(`targets: [{ file: { path: ${path('nowhere/key')} } }]`))
    const [writable] = await look(yaml, 'target-writable')
    assert.match(writable ?? '', /^failure target-writable: cannot find .*nowhere/)
    const missing = await look(one(token(file())), 'adoptable')
    assert.match(
      missing.join(),
      /^failure adoptable: none of .*key holds one, and on_missing is refuse$/,
    )
    const create = await look(one(token(`${file()}, on_missing: create`)), 'adoptable')
    assert.match(create.join(), /^ok adoptable: nothing is there yet/)
  })

  it('finds a folder that others may write to', async () => {
    put('app/key')
    chmodSync(path('app'), 0o777)
    const found = await look(one(token(file())), 'target-writable')
    assert.match(found.join(), /^failure target-writable: .*app is writable by other users$/)
  })

  it('finds a file that its reader could not read, or not reach', async () => {
    put('app/key')
    fake.set('properties', 'User=nobody')
    const yaml = (more = '') => one(token(`${file(more)}, consumers: [app]`))
    const shut = await look(yaml(), 'readable-by-consumer')
    assert.match(shut.join(), /^failure readable-by-consumer: nobody, as whom .* mode 0600, owner/)
    const open = await look(yaml(', mode: "0644"'), 'readable-by-consumer')
    assert.match(open.join(), /^ok readable-by-consumer: nobody could read it$/)
    chmodSync(path('app'), 0o700)
    const unreached = await look(yaml(', mode: "0644"'), 'readable-by-consumer')
    assert.match(
      unreached.join(),
      /^failure readable-by-consumer: nobody, as whom .* may not pass .*\/app$/,
    )
  })

  it('finds a secret that everybody can read, and not a public part', async () => {
    put('app/key', 0o644)
    assert.match(
      (await look(one(token(file())), 'secret-exposed')).join(),
      /^warning secret-exposed: .* mode 0644$/,
    )
    chmodSync(path('app'), 0o700)
    assert.deepEqual(await look(one(token(file())), 'secret-exposed'), [], 'nobody gets there')
    chmodSync(path('app'), 0o755)
    const pair = `tls: { kind: tls, names: [a.example], issuer: self_signed, rotate: { before_expiry: 30d }, verify: none, on_missing: create, targets: [{ file_set: { path: ${path('app/tls')}, files: { cert: { part: certificate, mode: "0644" }, key: { part: private_key, mode: "0644" } } } }] }`
    const found = (await examine(one(pair))).findings.filter(
      ({ check }) => check === 'secret-exposed',
    )
    assert.deepEqual(
      found.map(({ place }) => place),
      [path('app/tls/key')],
    )
  })

  it('finds a verb that the consumer lacks, and names a stronger one that is taken', async () => {
    put('app/key')
    writeFileSync(path('app/env'), `KEY=${value}\n`, { mode: 0o600 })
    const env = `targets: [{ env: { path: ${path('app/env')}, key: KEY, dialect: systemd } }]`
    const reload = 'consumers:\n  app: { command: { reload: [/bin/true] }, apply: reload }\n'
    const lacking = await look(
      `${reload}materials:\n  ${token(`${env}, consumers: [app]`)}\n`,
      'consumer-verb',
    )
    assert.match(
      lacking.join(),
      /^failure consumer-verb: consumer app has no way to pick the change up$/,
    )
    const weak = unit().replace(/ }$/, ', apply: reload }')
    fake.set('properties', `EnvironmentFiles=${path('app/env')} (ignore_errors=no)`)
    const strong = await look(
      `consumers:\n  ${weak}\nmaterials:\n  ${token(`${env}, consumers: [app]`)}\n`,
      'consumer-verb',
    )
    assert.match(
      strong.join(),
      /^ok consumer-verb: would take it up by restart: reload is not enough$/,
    )
  })

  it('finds a unit that is not there, or may not be commanded', async () => {
    put('app/key')
    const yaml = one(token(`${file()}, consumers: [app]`))
    fake.mode('deny-reset-failed')
    assert.match((await look(yaml, 'consumer')).join(), /^failure consumer: .*not permitted$/)
    fake.set('load', 'not-found')
    assert.match((await look(yaml, 'consumer')).join(), /^failure consumer: .*not-found$/)
  })

  it('says once what several places of one consumer have in common', async () => {
    writeFileSync(path('app/env'), `A=${value}\nB=${value}\n`, { mode: 0o600 })
    const at = (key: string) =>
      `{ env: { path: ${path('app/env')}, key: ${key}, dialect: systemd } }`
    fake.mode('fail-show')
    const yaml = one(token(`targets: [${at('A')}, ${at('B')}], consumers: [app]`))
    for (const check of ['readable-by-consumer', 'consumer']) {
      const found = await look(yaml, check)
      assert.equal(found.length, new Set(found).size, found.join('\n'))
      assert.match(found.join(), /systemctl show app.service failed/)
    }
  })

  it('finds a variable that is set twice in its own file', async () => {
    writeFileSync(path('app/env'), `KEY=${value}\nKEY=${value}\n`, { mode: 0o600 })
    const env = `targets: [{ env: { path: ${path('app/env')}, key: KEY, dialect: systemd } }]`
    const found = await look(one(token(env)), 'target-writable')
    assert.match(found.join(), /^failure target-writable: .*env:2.* KEY is set here and in line 1/)
  })

  it('finds what cannot be proved, and a verifier that cannot tell', async () => {
    put('app/key')
    assert.match(
      (await look(one(token(file())), 'verifier')).join(),
      /^warning verifier: nothing proves/,
    )
    const asking = token(file()).replace(
      'verify: none',
      'verify: [{ command: [/bin/sh, -c, "exit 75"] }]',
    )
    const found = await look(one(asking), 'verifier')
    assert.match(found.join(), /^failure verifier: could not tell which version is in use/)
  })

  it('finds a store key that others can read, no recipient, and tokens that end soon', async () => {
    put('app/key')
    const soon = new Date(Date.now() + 86_400_000).toISOString()
    const entry = `{ scope: read, sha256: ${'ab'.repeat(32)}, created: ${soon}, expires: ${soon} }`
    writeFileSync(path('rekeyd/tokens.yaml'), `tokens: { ops: ${entry} }\n`, { mode: 0o600 })
    const config = path('rekeyd/rekeyd.yaml')
    const admin = `{ socket: { path: ${path('rekeyd/admin.sock')} }, http: { listen: "127.0.0.1:0", tokens: ${path('rekeyd/tokens.yaml')} } }`
    const text = (preamble(folder) + one(token(file()))).replace(/^admin:.*$/m, `admin: ${admin}`)
    writeFileSync(config, text, { mode: 0o600 })
    const loaded = await loadConfig({ path: config, now: Date.now() })
    // The config is not read with such a key; it can become so later.
    writeFileSync(path('rekeyd/store.key'), 'ab'.repeat(32), { mode: 0o644 })
    const { findings, ok } = await examineOffline(loaded)
    assert.equal(ok, false)
    const own = findings.filter(({ material, level }) => material === undefined && level !== 'ok')
    assert.deepEqual(
      own.map(({ level, check }) => `${level} ${check}`),
      ['failure store-key', 'warning store', 'warning recovery', 'warning api-tokens'],
    )
    assert.match(own.at(-1)?.message ?? '', /^token ops expires at/)
  })
})
