import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import forge from 'node-forge'
import { generatePrivateKey } from '../../../src/formats/key-algorithm.ts'
import { writePrivateKey } from '../../../src/formats/key-encoding.ts'
import { decodePem, encodePem } from '../../../src/formats/pem.ts'
import type { MadeHere } from '../../../src/materials/kind.ts'
import { tls } from '../../../src/materials/tls/tls.ts'
import type { Edition, Version } from '../../../src/model/version.ts'
import { OperatorError } from '../../../src/support/operator-error.ts'
import { describeKind } from '../../contracts/kind.ts'
import { kindContext } from '../../support/kind-context.ts'
import { day, makeAuthority, now, signFor, type TestAuthority } from './authority.ts'

const signal = new AbortController().signal
const names = ['chat.example.com']
const secret = 'canary-5ecre7'

let folder: string
let root: TestAuthority
let below: TestAuthority
let keyPem: Buffer
let chainPem: Buffer

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-tls-files-'))
  root = await makeAuthority({ name: 'root' })
  below = await makeAuthority({ name: 'issuing', above: root })
  ;({ keyPem, chainPem } = await makePair())
})
after(() => rm(folder, { recursive: true }))

async function makePair(times?: Parameters<typeof signFor>[3]) {
  const key = await generatePrivateKey('ecdsa-p256')
  const chainPem = await signFor(key, names, below, times)
  return { keyPem: writePrivateKey(key, 'pkcs8-pem'), chainPem }
}

let count = 0
async function kindOf(certificate: string | Buffer, key: string | Buffer, options = {}) {
  const path = join(folder, String(++count))
  await mkdir(path)
  const files = { certificate: join(path, 'fullchain.pem'), key: join(path, 'privkey.pem') }
  await writeFile(files.certificate, certificate)
  await writeFile(files.key, key)
  const parsed = tls.schema.parse({ issuer: { files }, names, ...options })
  return { kind: tls.create(parsed, kindContext) as MadeHere, files }
}

const generate = (kind: MadeHere, version?: object) =>
  kind.generate(
    { material: 'm', now, ...(version && { previous: { version } as Edition }) },
    signal,
  )
const lines = (pem: Buffer) => pem.toString('latin1').trimEnd().split('\n')
const certificates = (pem: Buffer) =>
  decodePem(pem)!.map(({ der }) => encodePem('CERTIFICATE', der))

describeKind(
  'tls from files',
  async () => {
    const pair = await makePair()
    const { kind, files } = await kindOf(pair.chainPem, pair.keyPem)
    // The second version comes after a renewal, or it would be the first again.
    let generated = false
    return {
      ...kind,
      async generate(request, signal) {
        if (generated) {
          const next = await makePair({ notAfter: now + 1000 * day })
          await writeFile(files.certificate, next.chainPem)
          await writeFile(files.key, next.keyPem)
        }
        generated = true
        return kind.generate(request, signal)
      },
      async render(parts, part, format) {
        // An ECDSA key has no PKCS #1 form.
        return kind.render(parts, part, format === 'pkcs1-pem' ? 'pkcs8-pem' : format)
      },
    }
  },
  {
    public: ['certificate', 'chain', 'fullchain', 'ca'],
    derived: ['fullchain', 'bundle', 'combined'],
    readable: [
      ['private_key', 'certificate', 'chain', 'ca'],
      ['private_key', 'fullchain'],
      ['combined'],
      ['bundle'],
    ],
    now,
  },
)

describe('issuer files', () => {
  it('reads what editors, mail and certbot make of PEM', async () => {
    const expected = new X509Certificate(chainPem).raw
    const crlf = (pem: Buffer) => pem.toString('latin1').replaceAll('\n', '\r\n')
    const junk = (pem: Buffer) =>
      `Bag Attributes\n  localKeyID: 01\n\n${pem.toString()}\ntrailing text`
    const [leaf, issuing, top] = certificates(chainPem)
    const der = decodePem(chainPem)![0]!.der
    const keyDer = decodePem(keyPem)![0]!.der
    const both = Buffer.concat([keyPem, chainPem])
    const forms: Record<string, [string | Buffer, string | Buffer]> = {
      plain: [chainPem, keyPem],
      'CR LF': [crlf(chainPem), crlf(keyPem)],
      'text around it': [junk(chainPem), junk(keyPem)],
      'no newline at the end': [lines(chainPem).join('\n'), lines(keyPem).join('\n')],
      'a byte order mark': [`\uFEFF${chainPem.toString()}`, `\uFEFF${keyPem.toString()}`],
      'key and certificates in one file': [both, both],
      'root first': [Buffer.concat([top!, issuing!, leaf!]), keyPem],
      'a certificate twice': [Buffer.concat([leaf!, leaf!, issuing!, issuing!]), keyPem],
      DER: [der, keyDer],
    }
    for (const [form, [certificate, key]] of Object.entries(forms)) {
      const { kind } = await kindOf(certificate, key)
      const { parts } = await generate(kind)
      assert.deepEqual(parts['certificate']!.bytes, expected, form)
    }
  })

  it('puts the chain in order, leaf first', async () => {
    const [leaf, issuing, top] = certificates(chainPem)
    const { kind } = await kindOf(Buffer.concat([top!, leaf!, issuing!]), keyPem)
    const { parts } = await generate(kind)
    assert.deepEqual((await kind.render(parts, 'fullchain', 'pem')).bytes, chainPem)
  })

  it('follows symbolic links, as in the live folder of certbot', async () => {
    const { files } = await kindOf(chainPem, keyPem)
    const live = { certificate: join(folder, 'cert.link'), key: join(folder, 'key.link') }
    await symlink(files.certificate, live.certificate)
    await symlink(files.key, live.key)
    const kind = tls.create(tls.schema.parse({ issuer: { files: live } }), kindContext) as MadeHere
    assert.equal(await kind.changed?.(undefined, signal), true)
  })

  it('says whether the certificate is another one than the active', async () => {
    const { kind, files } = await kindOf(chainPem, keyPem)
    const { fingerprint } = await generate(kind)
    const active = { fingerprint } as Version
    assert.equal(await kind.changed?.(undefined, signal), true)
    assert.equal(await kind.changed?.(active, signal), false)
    const next = await makePair()
    await writeFile(files.certificate, next.chainPem)
    const halfway = /fullchain\.pem holds no certificate for the private key in .*privkey\.pem/
    await assert.rejects(async () => kind.changed?.(active, signal), halfway)
    await writeFile(files.key, next.keyPem)
    assert.equal(await kind.changed?.(active, signal), true)
  })

  it('refuses what is not newer, and takes it after a compromise', async () => {
    const { kind, files } = await kindOf(chainPem, keyPem)
    const { fingerprint, attributes, notAfter } = await generate(kind)
    const active = { fingerprint, attributes, notAfter, compromised: false }
    await assert.rejects(generate(kind, active), /still the certificate that is active/)
    const next = await makePair({ notAfter: now + 100 * day })
    await writeFile(files.certificate, next.chainPem)
    await writeFile(files.key, next.keyPem)
    await assert.rejects(generate(kind, active), /only 10d later than the active one/)
    assert.ok(await generate(kind, { ...active, compromised: true }))
    await assert.rejects(
      generate(kind, { ...active, fingerprint: 'x', notAfter: now + 200 * day }),
      /no later/,
    )
  })
})

describe('what issuer files refuses', () => {
  /** What is wrong, how it is made, and the message that says so. */
  const table: [string, () => Promise<[string | Buffer, string | Buffer]>, RegExp][] = [
    ['an expired one', () => pairWith({ notAfter: now - day }), /expired 2026-11-02/],
    ['one not yet valid', () => pairWith({ notBefore: now + day }), /not valid before 2026-11-04/],
    [
      'a key of another',
      async () => [chainPem, (await makePair()).keyPem],
      /holds no certificate for/,
    ],
    ['an empty file', async () => ['', keyPem], /fullchain\.pem is empty/],
    ['text', async () => [secret, keyPem], /fullchain\.pem is neither PEM nor/],
    ['a key for a certificate', async () => [keyPem, keyPem], /holds no certificate$/],
    ['a certificate for a key', async () => [chainPem, chainPem], /holds no private key$/],
    [
      'two keys',
      async () => [chainPem, Buffer.concat([keyPem, below.keyPem])],
      /holds 2 private keys/,
    ],
    ['an encrypted key', async () => [chainPem, encrypted(keyPem)], /locked by a passphrase/],
    [
      'an unrelated certificate',
      async () => [await withStranger(), keyPem],
      /issued none of the others/,
    ],
    [
      '40 certificates',
      async () => [Buffer.concat(Array(40).fill(chainPem)), keyPem],
      /more than 32/,
    ],
    ['5 MB', async () => [Buffer.alloc(5_000_000, chainPem), keyPem], /too large/],
    ['PEM around text', async () => [armoured(secret), keyPem], /damaged certificate/],
    ['RSA with 1024 bits', () => classic({ bits: 1024 }), /a key that is too weak/],
    ['SHA-1', () => classic({ sha1: true }), /hash older than SHA-2/],
    ['X.509 v1', () => classic({ v1: true }), /is X\.509 v1, not v3/],
    ['other names', () => classic({ host: 'other.example' }), /is not for chat\.example\.com/],
    ['only a common name', () => classic({ host: '' }), /is not for chat\.example\.com/],
  ]
  for (const [what, make, message] of table) {
    it(what, async () => {
      const { kind } = await kindOf(...(await make()))
      await assert.rejects(generate(kind), (error) => isDiscreet(error, message))
    })
  }

  it('a file cut off anywhere', async () => {
    const der = decodePem(chainPem)![0]!.der
    for (const whole of [chainPem.subarray(0, chainPem.indexOf('-----END') + 24), der, keyPem]) {
      for (let length = 0; length < whole.length - 1; length += 13) {
        const half = whole.subarray(0, length)
        const { kind } = await (whole === keyPem ? kindOf(chainPem, half) : kindOf(half, keyPem))
        await assert.rejects(generate(kind), (error) => isDiscreet(error, /./))
      }
    }
  })

  it('a file that is absent, a folder or a device', async () => {
    for (const certificate of [join(folder, 'absent'), folder, '/dev/null']) {
      const issuer = { files: { certificate, key: certificate } }
      const kind = tls.create(tls.schema.parse({ issuer }), kindContext) as MadeHere
      await assert.rejects(generate(kind), (error) => isDiscreet(error, new RegExp(certificate)))
    }
  })

  async function pairWith(times: Parameters<typeof signFor>[3]): Promise<[Buffer, Buffer]> {
    const pair = await makePair({ notBefore: now - 100 * day, ...times })
    return [pair.chainPem, pair.keyPem]
  }

  async function withStranger(): Promise<Buffer> {
    return Buffer.concat([chainPem, (await makeAuthority({ name: 'stranger' })).pem])
  }
})

/** A self-signed certificate by node-forge, which still signs what nobody should. */
async function classic({
  bits = 2048,
  sha1 = false,
  v1 = false,
  host = 'chat.example.com',
}: Record<string, unknown>): Promise<[string, string]> {
  const pair = forge.pki.rsa.generateKeyPair({ bits: Number(bits) })
  const certificate = forge.pki.createCertificate()
  const name = [{ name: 'commonName', value: 'chat.example.com' }]
  certificate.setSubject(name)
  certificate.setIssuer(name)
  certificate.serialNumber = '01'
  certificate.publicKey = pair.publicKey
  certificate.validity.notBefore = new Date(now - day)
  certificate.validity.notAfter = new Date(now + 90 * day)
  if (v1) certificate.version = 0
  else if (host) {
    certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: host }] }])
  }
  certificate.sign(pair.privateKey, sha1 ? forge.md.sha1.create() : forge.md.sha256.create())
  return [forge.pki.certificateToPem(certificate), forge.pki.privateKeyToPem(pair.privateKey)]
}

function encrypted(pem: Buffer): string {
  return pem.toString('latin1').replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY')
}

function armoured(text: string): Buffer {
  return encodePem('CERTIFICATE', Buffer.from(text))
}

function isDiscreet(error: unknown, message: RegExp): true {
  assert.ok(error instanceof OperatorError, String(error))
  assert.match(error.message, message)
  const all = inspect(error, { depth: 10, showHidden: true })
  const body = lines(keyPem).slice(1, -1)
  for (const quoted of [secret, Buffer.from(secret).toString('base64'), ...body]) {
    assert.ok(!all.includes(quoted), 'the error quotes what the file holds')
  }
  return true
}
