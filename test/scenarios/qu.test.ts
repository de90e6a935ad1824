import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import type { OperatorError } from '../../src/support/operator-error.ts'
import { needs } from '../support/parts.ts'
import { freePort } from './free-port.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { join as joinCluster } from './stand-ins/qu-frames.ts'
import { endStandIn, startStandIn } from './stand-ins/started-process.ts'

const firstSecret = 'Zm9vYmFyYmF6cXV4K2Zvby9iYXJiYXpxdXgrZm9vLzA='
const nodeId = randomUUID()

describe('a QUptime node', needs('openssl'), () => {
  const root = mkdtempSync(join(tmpdir(), 'rekeyd-qu-'))
  const data = join(root, 'quptime')
  const path = (name: string) => join(data, name)
  const pidFile = join(root, 'qu.pid')
  const command = [process.execPath, join(import.meta.dirname, 'stand-ins/qu.ts'), data, pidFile]
  let port: number
  let rekeyd: ScratchRekeyd | undefined

  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: data, encoding: 'utf8', stdio: 'pipe' })
  const text = (name: string) => readFileSync(path(name), 'utf8')
  const nodeFile = (rest: string) =>
    `# written by qu init\nnode_id: ${nodeId}\nbind_addr: 0.0.0.0\nbind_port: ${port}\n` +
    `advertise: this-host.example.com:9901\n${rest}`
  const writeNode = (rest: string) =>
    writeFileSync(path('node.yaml'), nodeFile(rest), { mode: 0o600 })
  const alone = `version: 3\npeers:\n  - node_id: ${nodeId}\n    advertise: this-host.example.com:9901\n`
  const writeCluster = (yaml: string) => writeFileSync(path('cluster.yaml'), yaml, { mode: 0o600 })
  const secret = () => /cluster_secret: "?([^"\n]*)"?\n/.exec(text('node.yaml'))?.[1] ?? ''
  const spki = () => openssl('x509', '-in', 'keys/cert.pem', '-noout', '-pubkey')
  const files = () => ['node.yaml', 'keys/private.pem', 'keys/cert.pem'].map(text)

  /** As `qu init` makes them. */
  const makeIdentity = () => {
    const lines = ['digitalSignature,keyEncipherment', 'serverAuth,clientAuth']
    const extensions = [`keyUsage=critical,${lines[0]}`, `extendedKeyUsage=${lines[1]}`]
    const added = [...extensions, 'basicConstraints=critical,CA:FALSE'].flatMap((text) => [
      '-addext',
      text,
    ])
    const subject = ['-subj', `/O=quptime/CN=${nodeId}`, '-days', '3650']
    openssl('genrsa', '-traditional', '-out', 'keys/private.pem', '3072')
    openssl(
      'req',
      '-x509',
      '-key',
      'keys/private.pem',
      '-out',
      'keys/cert.pem',
      ...subject,
      ...added,
    )
    writeFileSync(path('keys/public.pem'), spki(), { mode: 0o644 })
  }

  const open = async () => {
    rekeyd = await openRekeyd(
      mkdtempSync(join(root, 'run-')),
      `
consumers:
  qu:
    process: { pid_file: ${pidFile}, start: ${JSON.stringify(command)} }
    ready: [{ tls: { connect: "127.0.0.1:${port}" } }]
    timeouts: { stop: 10s, start: 10s, ready: 10s }
    dwell: 1s
materials:
  cluster-secret:
    kind: token
    alphabet: base64
    rotate: { every: 365d }
    targets: [{ yaml: { path: ${path('node.yaml')}, pointer: /cluster_secret } }]
    consumers: [qu]
    verify: none
  node-identity:
    kind: node-identity
    data_dir: ${data}
    rotate: on_compromise
    targets:
      - file: { path: ${path('keys/private.pem')}, part: private_key }
      - file: { path: ${path('keys/public.pem')}, part: public_key, mode: "0644" }
      - file: { path: ${path('keys/cert.pem')}, part: certificate, mode: "0644" }
    consumers: [qu]
    verify: [{ tls: { connect: "127.0.0.1:${port}" } }]
`,
    )
    return rekeyd
  }
  const refused = (reason: RegExp, hint: RegExp) => (error: OperatorError) => {
    assert.equal(error.kind, 'refused')
    assert.match(error.message, reason)
    assert.match(error.hint ?? '', hint)
    return true
  }

  before(async () => {
    port = await freePort('tcp')
    mkdirSync(path('keys'), { recursive: true, mode: 0o700 })
    writeNode(`cluster_secret: ${firstSecret}\n`)
    writeCluster(alone)
    makeIdentity()
    await startStandIn(command, pidFile, join(root, 'log'))
  })
  afterEach(async () => {
    await rekeyd?.close()
    rekeyd = undefined
  })
  after(async () => {
    await endStandIn(pidFile)
    rmSync(root, { recursive: true })
  })

  it('that is alone gets another cluster secret, which Join wants from then on', async () => {
    const rekeyd = await open()
    assert.equal(await joinCluster(port, firstSecret), true)
    const { result } = await rekeyd.rotate('cluster-secret')
    assert.equal(result, 'applied_unproved')
    assert.equal(Buffer.from(secret(), 'base64').length, 32)
    assert.equal(await joinCluster(port, secret()), true)
    assert.equal(await joinCluster(port, firstSecret), false)
    assert.equal(await joinCluster(port, ''), false)
  })

  it('keeps every other byte, and the mode, of its node.yaml (pitfall 25)', () => {
    const found = text('node.yaml')
    assert.equal(found.replace(/cluster_secret: .*\n/, ''), nodeFile(''))
    assert.equal(statSync(path('node.yaml')).mode & 0o777, 0o600)
  })

  it('gets another identity under the same id, as openssl sees it', async () => {
    const rekeyd = await open()
    const before = spki()
    await rekeyd.renew('node-identity')
    assert.notEqual(spki(), before)
    const check = openssl('rsa', '-in', 'keys/private.pem', '-check', '-noout')
    assert.match(check, /RSA key ok/)
    assert.match(text('keys/private.pem'), /^-----BEGIN RSA PRIVATE KEY-----\n/)
    assert.equal(openssl('pkey', '-in', 'keys/private.pem', '-pubout'), spki())
    assert.equal(text('keys/public.pem'), spki())
    const certificate = openssl('x509', '-in', 'keys/cert.pem', '-noout', '-text')
    for (const expected of [
      new RegExp(`O ?= ?quptime, CN ?= ?${nodeId}`),
      /CA:FALSE/,
      /3072 bit/,
    ]) {
      assert.match(certificate, expected)
    }
    assert.doesNotMatch(certificate, /Subject Alternative Name/)
    const served = openssl('s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-showcerts')
    assert.ok(served.includes(text('keys/cert.pem').trim()))
    const mode = (name: string) => statSync(path(name)).mode & 0o777
    assert.deepEqual(
      ['private', 'cert', 'public'].map((name) => mode(`keys/${name}.pem`)),
      [0o600, 0o644, 0o644],
    )
    assert.deepEqual(readdirSync(path('keys')).toSorted(), [
      'cert.pem',
      'private.pem',
      'public.pem',
    ])
  })

  it('in a cluster gets neither, and the operator the manual steps', async () => {
    writeCluster(`${alone}  - node_id: ${randomUUID()}\n    advertise: other.example.com:9901\n`)
    const before = files()
    const rekeyd = await open()
    const shared = /other nodes of the cluster \(1\)/
    await assert.rejects(
      rekeyd.rotate('cluster-secret'),
      refused(shared, /into every node\.yaml, restart/),
    )
    await assert.rejects(
      rekeyd.rotate('node-identity'),
      refused(shared, /qu enroll create.*qu node remove/),
    )
    const roll = rekeyd.operations.compromise('cluster-secret', {}, { who: 'cli:operator' })
    await assert.rejects(roll, refused(shared, /into every node\.yaml/))
    assert.deepEqual(files(), before)
    assert.equal(await joinCluster(port, secret()), true)
  })

  for (const [how, rest] of [
    ['without the field', ''],
    ['with an empty one', 'cluster_secret: ""\n'],
  ] as const) {
    it(`of 0.2.0 or newer, ${how}, has no secret, and is told so`, async () => {
      writeCluster(alone)
      writeNode(rest)
      const before = files()
      const rekeyd = await open()
      const reason = /this qu has no cluster secret \(0\.2\.0 and newer have none\)/
      await assert.rejects(
        rekeyd.rotate('cluster-secret'),
        refused(reason, /remove the material.*qu enroll/),
      )
      const shown = await rekeyd.operations.material('cluster-secret')
      assert.equal(shown.state, 'needs_attention')
      assert.match(shown.reason ?? '', reason)
      assert.equal((await rekeyd.operations.material('node-identity')).state, 'idle')
      assert.deepEqual(files(), before)
    })
  }
})
