import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import type { RotationView } from '../../src/operations/views.ts'
import { freePort } from './free-port.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import type { Whim } from './stand-ins/https-server.ts'
import { endStandIn } from './stand-ins/started-process.ts'

describe('a rotation that fails', () => {
  let folder: string
  let port: number
  let rekeyd: ScratchRekeyd
  const path = (name: string) => join(folder, name)
  const text = (name: string) => readFileSync(path(name), 'utf8')
  const files = () =>
    ['tls/current/cert.pem', 'tls/current/key.pem', 'one/token.env', 'two/token.env'].map(text)

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-failures-'))
    port = await freePort('tcp')
    for (const name of ['tls', 'one', 'two']) mkdirSync(path(name), 0o700)
    const start = [
      process.execPath,
      join(import.meta.dirname, 'stand-ins/https-server.ts'),
      folder,
      String(port),
    ]
    const address = `127.0.0.1:${port}`
    rekeyd = await openRekeyd(
      folder,
      `
defaults: { on_missing: create }
consumers:
  site:
    process: { pid_file: ${path('server.pid')}, log: ${path('server.log')}, start: ${JSON.stringify(start)} }
    ready: [{ tcp: { connect: "${address}" } }]
    timeouts: { stop: 10s, start: 3s, ready: 3s }
    dwell: 1s
materials:
  site-tls:
    kind: tls
    issuer: self_signed
    names: [localhost]
    rotate: { before_expiry: 30d }
    targets:
      - file_set:
          path: ${path('tls/current')}
          files: { cert.pem: { part: certificate }, key.pem: { part: private_key } }
    consumers: [site]
    verify: [{ tls: { connect: "${address}", servername: localhost } }]
  token:
    kind: token
    rotate: { every: 30d }
    targets:
      - env: { path: ${path('one/token.env')}, key: TOKEN, dialect: systemd }
      - env: { path: ${path('two/token.env')}, key: TOKEN, dialect: systemd }
    consumers: [site]
    verify: [{ http: { url: "https://${address}/", bearer: true, insecure: true } }]
`,
    )
    assert.deepEqual(await rekeyd.active(), { 'site-tls': 1, token: 1 })
  })
  afterEach(async () => {
    await rekeyd.close()
    await endStandIn(path('server.pid'))
    for (const name of ['one', 'two']) setWritable(path(name), true)
    rmSync(folder, { recursive: true })
  })

  /** From now on the server does this with every certificate but the present one. */
  const haveWhim = (otherwise: Whim['otherwise']) => {
    const known = createHash('sha256').update(new X509Certificate(text('tls/current/cert.pem')).raw)
    const whim: Whim = { known: known.digest('hex'), otherwise }
    writeFileSync(path('whim.json'), JSON.stringify(whim))
    for (const name of ['cert', 'key'])
      copyFileSync(path(`tls/current/${name}.pem`), path(`tls/old-${name}.pem`))
  }

  /** The certificate that whoever connects now is given. */
  const served = async () => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const certificate = socket.getPeerX509Certificate()?.toString()
    socket.destroy()
    return certificate
  }

  /** Everywhere an operator or a program may look. */
  const expectVisible = async (name: string, rotation: RotationView) => {
    const { id, result = '' } = rotation
    const shown = await rekeyd.operations.material(name)
    assert.deepEqual(
      [shown.state, shown.consecutive_failures, shown.active?.version],
      ['retrying', 1, 1],
    )
    assert.ok(shown.last_attempt !== undefined && shown.next_attempt !== undefined)
    const [latest] = await rekeyd.operations.history({ material: name, limit: 1 })
    assert.deepEqual(latest, rotation)
    const told = rekeyd.events.filter(
      (event) => event.type === 'rotation.finished' && event.id === id,
    )
    assert.deepEqual(
      told.map((event) => 'result' in event && event.result),
      [result],
    )
    const metrics = await rekeyd.metrics()
    const sample = (labels: readonly string[]) =>
      metrics.split('\n').find((line) => labels.every((label) => line.includes(label)))
    assert.match(
      sample(['rekeyd_rotations_total{', `"${name}"`, '"manual"', `"${result}"`]) ?? '',
      / 1$/,
    )
    assert.match(sample(['rekeyd_material_consecutive_failures{', `"${name}"`]) ?? '', / 1$/)
    assert.match(sample(['rekeyd_material_state{', `"${name}"`, '"retrying"']) ?? '', / 1$/)
  }

  const expectBack = async (rotation: RotationView, reason: RegExp) => {
    assert.equal(rotation.result, 'rolled_back', rotation.detail)
    assert.match(rotation.detail ?? '', reason)
    const back = rotation.steps.filter(({ direction }) => direction === 'back')
    assert.deepEqual(back.at(-1)?.name, 'verify')
    assert.ok(back.every(({ outcome }) => outcome === 'done'))
  }

  const whims: readonly [Whim['otherwise'], RegExp][] = [
    ['does not start', /ended right after it was started/],
    ['dies within the dwell', /consumer site did not stay up/],
    ['serves the old one', /does not show version 2 of site-tls: serves the certificate/],
    ['hangs up', /does not show version 2 of site-tls: could not tell/],
  ]
  for (const [whim, reason] of whims) {
    it(`gives the old version back and proves it when the consumer ${whim}`, async () => {
      const [before, certificate] = [files(), await served()]
      haveWhim(whim)
      const rotation = await rekeyd.rotate('site-tls')
      await expectBack(rotation, reason)
      assert.deepEqual(files(), before)
      assert.equal(await served(), certificate)
      await expectVisible('site-tls', rotation)

      rmSync(path('whim.json'))
      const { changes } = await rekeyd.renew('site-tls')
      assert.deepEqual(changes, [{ material: 'site-tls', from: 1, to: 3 }])
      assert.notEqual(await served(), certificate)
    })
  }

  it('changes nothing where a folder cannot be written to', async () => {
    const before = files()
    setWritable(path('two'), false)
    const rotation = await rekeyd.rotate('token')
    assert.equal(rotation.result, 'failed')
    assert.match(rotation.detail ?? '', new RegExp(path('two')))
    assert.deepEqual(rotation.steps, [])
    assert.deepEqual(files(), before)
    await expectVisible('token', rotation)
  })

  it('gives the first place back when the second cannot be written to any more', async () => {
    const [before, pid] = [files(), text('server.pid')]
    let staged = 0
    const stop = rekeyd.on((event) => {
      if (event.type !== 'rotation.step' || event.step !== 'stage' || (staged += 1) !== 2) return
      setWritable(path('two'), false)
      stop()
    })
    const rotation = await rekeyd.rotate('token')
    await expectBack(rotation, new RegExp(path('two')))
    assert.deepEqual(files(), before)
    assert.notEqual(text('server.pid'), pid)
    await expectVisible('token', rotation)

    setWritable(path('two'), true)
    await rekeyd.renew('token')
    assert.deepEqual(
      [...readdirSync(path('one')), ...readdirSync(path('two'))],
      ['token.env', 'token.env'],
    )
  })
})

/** Nobody may write to the folder: root's own way where the tests run as root. */
function setWritable(folder: string, writable: boolean): void {
  if (process.getuid?.() !== 0) return chmodSync(folder, writable ? 0o700 : 0o500)
  execFileSync('chattr', [writable ? '-i' : '+i', folder], { stdio: 'ignore' })
}
