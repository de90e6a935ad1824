import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import type { Found, Made, MadeHere } from '../../src/materials/kind.ts'
import { nodeIdentity } from '../../src/materials/node-identity.ts'
import type { Format } from '../../src/model/material.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'
import { needs } from '../support/parts.ts'

const run = promisify(execFile)
const nodeId = '3f6c1f52-6c0b-4d2c-9f0e-0a8f4f2b7a11'
const now = Date.UTC(2026, 10, 3, 12)
const day = 86_400_000

let dataDir: string
before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rekeyd-quptime-'))
})
beforeEach(() => writeNode(`node_id: ${nodeId}\nbind_port: 9901\n`))
after(() => rm(dataDir, { recursive: true }))

const writeNode = (text: string) => writeFile(join(dataDir, 'node.yaml'), text)
const writeCluster = (text: string) => writeFile(join(dataDir, 'cluster.yaml'), text)
const makeKind = (options: object = {}) =>
  nodeIdentity.create(
    nodeIdentity.schema.parse({ data_dir: dataDir, ...options }),
    kindContext,
  ) as MadeHere
const generate = (kind = makeKind()): Promise<Made> =>
  kind.generate({ material: 'identity', now }, new AbortController().signal)

async function filesOf(kind: MadeHere, { parts }: Made): Promise<Found[]> {
  const wanted: [string, Format, string][] = [
    ['private_key', 'pkcs1-pem', 'keys/private.pem'],
    ['public_key', 'pem', 'keys/public.pem'],
    ['certificate', 'pem', 'keys/cert.pem'],
  ]
  return Promise.all(
    wanted.map(async ([part, format, place]) => {
      return { part, format, place, bytes: await kind.render(parts, part, format) }
    }),
  )
}

// The contract suite adopts too, which needs node.yaml: an id in the options does without.
describeKind('node-identity', () => makeKind({ node_id: nodeId }), {
  public: ['public_key', 'certificate'],
  readable: [
    ['private_key', 'certificate'],
    ['private_key', 'public_key', 'certificate'],
  ],
  now,
})

describe('kind node-identity', () => {
  it('is never made where it is merely missing, and expires', () => {
    assert.ok(nodeIdentity.neverCreate && nodeIdentity.expires)
  })

  it('makes the files as qu does', async () => {
    const kind = makeKind()
    const made = await generate(kind)
    const [privateKey, publicKey, certificate] = await filesOf(kind, made)
    assert.match(privateKey!.bytes.bytes.toString(), /^-----BEGIN RSA PRIVATE KEY-----\n/)
    assert.match(publicKey!.bytes.bytes.toString(), /^-----BEGIN PUBLIC KEY-----\n/)
    const parsed = new X509Certificate(certificate!.bytes.bytes)
    assert.equal(parsed.subject, `O=quptime\nCN=${nodeId}`)
    assert.equal(parsed.issuer, parsed.subject)
    assert.equal(parsed.subjectAltName, undefined)
    assert.ok(parsed.verify(parsed.publicKey))
    assert.equal(parsed.publicKey.asymmetricKeyDetails?.modulusLength, 3072)
    assert.equal(made.notBefore, now - 3_600_000)
    assert.equal(made.notAfter, now + 3650 * day)
  })

  it('has the fingerprint that qu shows: of the public key, not of the certificate', async () => {
    const { fingerprint, parts } = await generate()
    const { publicKey } = new X509Certificate(parts['certificate']!.bytes)
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    assert.equal(fingerprint, `sha256:${createHash('sha256').update(spki).digest('hex')}`)
  })

  it('has exactly the extensions of qu, before OpenSSL', needs('openssl'), async () => {
    const kind = makeKind()
    const [privateKey, , certificate] = await filesOf(kind, await generate(kind))
    const file = join(dataDir, 'file.pem')
    await writeFile(file, certificate!.bytes.bytes)
    const { stdout } = await run('openssl', ['x509', '-in', file, '-noout', '-text'])
    const extensions = stdout
      .slice(stdout.indexOf('X509v3 extensions:'))
      .split('Signature Algorithm')[0]!
    assert.deepEqual(
      extensions
        .trim()
        .split('\n')
        .map((line) => line.trim()),
      [
        'X509v3 extensions:',
        'X509v3 Key Usage: critical',
        'Digital Signature, Key Encipherment',
        'X509v3 Extended Key Usage:',
        'TLS Web Server Authentication, TLS Web Client Authentication',
        'X509v3 Basic Constraints: critical',
        'CA:FALSE',
      ],
    )
    assert.match(stdout, /Version: 3[\s\S]*Signature Algorithm: sha256WithRSAEncryption/)
    const structure = await run('openssl', ['asn1parse', '-in', file])
    assert.match(
      structure.stdout,
      new RegExp(`PRINTABLESTRING\\s+:quptime[\\s\\S]*PRINTABLESTRING\\s+:${nodeId}`),
    )
    await writeFile(file, privateKey!.bytes.bytes)
    const checked = await run('openssl', ['rsa', '-in', file, '-check', '-noout'])
    assert.match(checked.stdout + checked.stderr, /RSA key ok/)
  })

  it('refuses while cluster.yaml lists another peer, and says what to do by hand', async () => {
    await writeCluster(`peers:\n  - node_id: ${nodeId}\n  - node_id: other\n`)
    await assert.rejects(generate(), (error: OperatorError) => {
      assert.equal(error.kind, 'refused')
      assert.match(error.message, /other nodes of the cluster \(1\) trust this identity/)
      assert.match(error.hint ?? '', /qu enroll create.*qu node remove/)
      return error instanceof OperatorError
    })
    await writeCluster(`peers:\n  - node_id: ${nodeId}\n`)
    assert.ok(await generate())
    await rm(join(dataDir, 'cluster.yaml'))
  })

  it('takes the id from the options before the one in node.yaml', async () => {
    const { attributes } = await generate(makeKind({ node_id: 'from-the-environment' }))
    assert.equal(attributes['node_id'], 'from-the-environment')
  })

  it('refuses to adopt a pair that does not match, or that is another node’s', async () => {
    const kind = makeKind()
    const [privateKey, publicKey, certificate] = await filesOf(kind, await generate(kind))
    const others = await filesOf(kind, await generate(kind))
    const adopt = async (...found: (Found | undefined)[]) =>
      kind.adopt!(
        found.filter((one) => one !== undefined),
        'identity',
      )
    assert.ok(await adopt(privateKey, publicKey, certificate))
    await assert.rejects(adopt(others[0], certificate), /keys\/cert\.pem.*keys\/private\.pem/)
    await assert.rejects(adopt(privateKey, others[1], certificate), /keys\/public\.pem/)
    await assert.rejects(adopt(privateKey), /no certificate was found/)
    await writeNode('node_id: made-by-the-next-start\n')
    await assert.rejects(adopt(privateKey, certificate), /another node id/)
  })
})
