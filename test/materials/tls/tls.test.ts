import assert from 'node:assert/strict'
import 'reflect-metadata'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import * as x509 from '@peculiar/x509'
import type { Made, MadeHere } from '../../../src/materials/kind.ts'
import { tls } from '../../../src/materials/tls/tls.ts'
import { SecretBytes } from '../../../src/model/secret-bytes.ts'
import type { Edition, Version } from '../../../src/model/version.ts'
import { OperatorError } from '../../../src/support/operator-error.ts'
import { describeKind } from '../../contracts/kind.ts'
import { kindContext } from '../../support/kind-context.ts'
import { day, makeAuthority, now, signFor, type TestAuthority } from './authority.ts'

const names = ['chat.example.com', '*.example.org', '127.0.0.1', '::1']
const signal = new AbortController().signal
const complete = [
  ['private_key', 'certificate', 'chain', 'ca'],
  ['private_key', 'fullchain', 'ca'],
  ['combined', 'ca'],
  ['bundle', 'ca'],
]

let folder: string
let root: TestAuthority
let below: TestAuthority

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-tls-'))
  root = await makeAuthority({ name: 'root' })
  below = await makeAuthority({ name: 'issuing', above: root })
  await writeAuthority('issuing', below)
})
after(() => rm(folder, { recursive: true }))

async function writeAuthority(name: string, { pem, keyPem }: TestAuthority) {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  await writeFile(files.certificate, pem)
  await writeFile(files.key, keyPem)
  return files
}

function makeKind(options: object): MadeHere {
  return tls.create(tls.schema.parse(options), kindContext) as MadeHere
}

async function generate(kind: MadeHere, previous?: Partial<Version>, at = now): Promise<Made> {
  const version = previous && ({ attributes: {}, ...previous } as Version)
  const edition = version && ({ version } as Edition)
  return kind.generate(
    { material: 'chat-tls', now: at, ...(edition && { previous: edition }) },
    signal,
  )
}

const versionOf = ({ fingerprint, attributes, notAfter }: Made, compromised = false) =>
  ({ fingerprint, attributes, notAfter, compromised }) as Partial<Version>
const leafOf = ({ parts }: Made) => new X509Certificate(parts['certificate']!.bytes)
const fileOf = (name: string) => ({
  certificate: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
})

for (const algorithm of ['ecdsa-p256', 'ed25519', 'rsa-2048']) {
  describeKind(
    `tls, self-signed, ${algorithm}`,
    () => makeKind({ issuer: 'self_signed', names, algorithm }),
    {
      public: ['certificate', 'fullchain', 'ca'],
      derived: ['fullchain', 'ca', 'bundle', 'combined'],
      readable: [['private_key', 'certificate'], ['bundle'], ['combined']],
      now,
    },
  )
}

describeKind('tls from a CA', () => makeKind({ issuer: { ca: fileOf('issuing') }, names }), {
  public: ['certificate', 'chain', 'fullchain', 'ca'],
  derived: ['fullchain', 'bundle', 'combined'],
  readable: complete,
  now,
})

describe('kind tls', () => {
  it('takes a bare word or a map with one key as issuer, and nothing else', () => {
    for (const issuer of ['self_signed', 'csr', { self_signed: {} }, { files: fileOf('x') }]) {
      assert.ok(tls.schema.safeParse({ issuer }).success, JSON.stringify(issuer))
    }
    const wrong = [
      'ca',
      {},
      { self_signed: {}, csr: {} },
      { acme: {} },
      { ca: { certificate: 'relative.pem', key: '/k' } },
      { files: { ...fileOf('x'), days: 3 } },
    ]
    for (const issuer of wrong) {
      assert.ok(!tls.schema.safeParse({ issuer }).success, JSON.stringify(issuer))
    }
  })

  it('takes names that a certificate can have', () => {
    for (const name of [
      'a b',
      '',
      '*',
      'a.*.b',
      '-a.de',
      'a_b.de',
      'x.'.repeat(200),
      '300.1.1.1',
    ]) {
      const options = { issuer: 'self_signed', names: [name] }
      assert.ok(!tls.schema.safeParse(options).success, JSON.stringify(name))
    }
  })

  it('refuses options that the issuer could not follow, and the lack of names', () => {
    const wrong = [
      { issuer: 'self_signed' },
      { issuer: 'csr', names, lifetime: '90d' },
      { issuer: { files: fileOf('x') }, lifetime: '90d' },
      { issuer: { files: fileOf('x') }, algorithm: 'ed25519' },
    ]
    for (const options of wrong) {
      assert.throws(() => makeKind(options), { name: 'OperatorError', kind: 'config' })
    }
  })

  it('makes certificates for every name, in the form that goes over the wire', async () => {
    const kind = makeKind({ issuer: 'self_signed', names: ['Bücher.example', ...names] })
    const leaf = leafOf(await generate(kind))
    assert.ok(leaf.checkHost('xn--bcher-kva.example', { subject: 'never' }))
    assert.ok(leaf.checkHost('any.example.org', { subject: 'never' }))
    assert.ok(leaf.checkIP('127.0.0.1') && leaf.checkIP('::1'))
    assert.equal(leaf.subject, 'CN=xn--bcher-kva.example')
  })

  it('leaves the subject empty when the first name is too long for it', async () => {
    const long = `${'a'.repeat(60)}.example.com`
    const leaf = leafOf(await generate(makeKind({ issuer: 'self_signed', names: [long] })))
    assert.ok(!leaf.subject)
    assert.ok(leaf.checkHost(long))
    // RFC 5280 §4.2.1.6: critical exactly then.
    const isCritical = ({ raw }: X509Certificate) =>
      new x509.X509Certificate(raw).getExtension('2.5.29.17')?.critical
    assert.equal(isCritical(leaf), true)
    const named = leafOf(await generate(makeKind({ issuer: 'self_signed', names })))
    assert.equal(isCritical(named), false)
  })

  it('keeps to the lifetime, begins a little earlier, and never uses a serial number twice', async () => {
    const kind = makeKind({ issuer: 'self_signed', names, lifetime: '90d' })
    const made = await Promise.all(Array.from({ length: 20 }, () => generate(kind)))
    assert.equal(made[0]!.notAfter, now + 90 * day)
    assert.equal(made[0]!.notBefore, now - 3_600_000)
    const serials = new Set(made.map(({ attributes }) => attributes['serial']))
    assert.equal(serials.size, made.length)
    for (const serial of serials) assert.match(serial!, /^[4-7][0-9a-f]{31}$/)
  })

  it('records what the field asks for beside the key', async () => {
    const made = await generate(makeKind({ issuer: { ca: fileOf('issuing') }, names }))
    const { spki_sha256, serial, ...attributes } = made.attributes
    const leaf = leafOf(made)
    assert.equal(
      made.fingerprint,
      `sha256:${leaf.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    )
    assert.match(spki_sha256!, /^sha256:[0-9a-f]{64}$/)
    assert.equal(serial, leaf.serialNumber.toLowerCase())
    assert.deepEqual(attributes, {
      algorithm: 'ecdsa-p256',
      subject: 'CN=chat.example.com',
      issuer: 'C=DE, O=Größe & Söhne, CN=issuing',
      names: 'chat.example.com, *.example.org, 127.0.0.1, 0:0:0:0:0:0:0:1',
      issuer_kind: 'ca',
    })
  })

  it('refuses a chain in DER and says why', async () => {
    const kind = makeKind({ issuer: { ca: fileOf('issuing') }, names })
    const { parts } = await generate(kind)
    for (const part of ['chain', 'fullchain']) {
      await assert.rejects(kind.render(parts, part, 'der'), /one DER file cannot hold a chain/)
    }
  })

  it('renders PKCS #12 the same each time, under the password in a file', async () => {
    const pkcs12_password_file = join(folder, 'password')
    await writeFile(pkcs12_password_file, 'pass word\n')
    const locked = makeKind({ issuer: 'self_signed', names, pkcs12_password_file })
    const open = makeKind({ issuer: 'self_signed', names })
    const { parts, fingerprint } = await generate(locked)
    const bundle = await locked.render(parts, 'bundle', 'pkcs12')
    assert.deepEqual((await locked.render(parts, 'bundle', 'pkcs12')).bytes, bundle.bytes)
    assert.notDeepEqual((await open.render(parts, 'bundle', 'pkcs12')).bytes, bundle.bytes)
    const found = [{ part: 'bundle', format: 'pkcs12', bytes: bundle, place: 'here' }] as const
    assert.equal((await locked.adopt?.(found, 'm'))?.fingerprint, fingerprint)
    await assert.rejects(async () => open.adopt?.(found, 'm'), /here: .*password/)
    await writeFile(pkcs12_password_file, 'pässword')
    await assert.rejects(
      locked.render(parts, 'bundle', 'pkcs12'),
      /password that is not plain ASCII/,
    )
  })

  it('stops when it is told to', async () => {
    const kind = makeKind({ issuer: 'self_signed', names })
    const stopped = AbortSignal.abort(new Error('stopped'))
    await assert.rejects(kind.generate({ material: 'm', now }, stopped), /stopped/)
  })
})

describe('issuer self_signed', () => {
  it('makes another one at once when asked, however young the previous is', async () => {
    const kind = makeKind({ issuer: 'self_signed', names })
    const first = await generate(kind)
    const second = await generate(kind, versionOf(first), now + 60_000)
    assert.notEqual(second.fingerprint, first.fingerprint)
  })
})

describe('issuer ca', () => {
  it('never outlives any CA above', async () => {
    const brief = await makeAuthority({ name: 'brief', notAfter: now + 40 * day })
    const under = await makeAuthority({ name: 'under', above: brief })
    const files = await writeAuthority('brief', under)
    const made = await generate(makeKind({ issuer: { ca: files }, names }))
    assert.equal(made.notAfter, now + 40 * day)
  })

  it('does not begin before its CA', async () => {
    const young = await makeAuthority({ name: 'young', notBefore: now - 1000 })
    const made = await generate(
      makeKind({ issuer: { ca: await writeAuthority('young', young) }, names }),
    )
    assert.equal(made.notBefore, now - 1000)
  })

  it('refuses to make the same again once the CA itself ends, unless there is another reason', async () => {
    const brief = await makeAuthority({ name: 'ending', notAfter: now + 40 * day })
    const ca = await writeAuthority('ending', brief)
    const kind = makeKind({ issuer: { ca }, names })
    const first = await generate(kind)
    const later = now + 30 * day
    await assert.rejects(generate(kind, versionOf(first), later), (error: Error) => {
      assert.match(
        error.message,
        /ending\.pem: ends .* no later than the active one: the CA itself ends then/,
      )
      return error instanceof OperatorError
    })
    assert.ok(await generate(kind, versionOf(first, true), later), 'after a compromise')
    const more = makeKind({ issuer: { ca }, names: [...names, 'new.example.com'] })
    assert.ok(await generate(more, versionOf(first), later), 'for another name')
  })

  it('refuses what cannot sign', async () => {
    const authorities = {
      ended: await makeAuthority({ notAfter: now - day }),
      ending: await makeAuthority({ notAfter: now + 60_000 }),
      unborn: await makeAuthority({ notBefore: now + day }),
      leaf: await makeAuthority({ isCa: false }),
      mute: await makeAuthority({ maySign: false }),
      mixed: { ...root, keyPem: below.keyPem },
      keyless: { ...root, keyPem: root.pem },
      unrelated: { ...root, pem: Buffer.concat([root.pem, below.pem]) },
    }
    const reasons = {
      ended: /ended\.pem ends 2026-11-02/,
      ending: /ending\.pem ends/,
      unborn: /unborn\.pem is not valid before 2026-11-04/,
      leaf: /leaf\.pem is not the certificate of a CA/,
      mute: /mute\.pem is not the certificate of a CA/,
      mixed: /mixed\.pem holds no certificate for the private key in .*mixed\.key/,
      keyless: /keyless\.key holds no private key/,
      unrelated: /unrelated\.pem: one of the certificates issued none of the others/,
    }
    for (const [name, authority] of Object.entries(authorities)) {
      const ca = await writeAuthority(name, authority)
      const kind = makeKind({ issuer: { ca }, names })
      await assert.rejects(generate(kind), (error: Error) => {
        assert.match(error.message, reasons[name as keyof typeof reasons])
        return error instanceof OperatorError
      })
    }
  })

  it('signs with RSA and Ed25519, too', async () => {
    for (const algorithm of ['rsa-2048', 'ed25519', 'ecdsa-p384'] as const) {
      const authority = await makeAuthority({ name: algorithm, algorithm })
      const ca = await writeAuthority(algorithm, authority)
      const leaf = leafOf(await generate(makeKind({ issuer: { ca }, names })))
      assert.ok(leaf.verify(authority.certificate.publicKey))
    }
  })
})

describe('issuer csr', () => {
  it('says that only people can bring the next certificate', async () => {
    await assert.rejects(generate(makeKind({ issuer: 'csr', names })), (error: OperatorError) => {
      assert.match(error.hint ?? '', /rekeyd csr NAME.*rekeyd import NAME/)
      return error instanceof OperatorError
    })
  })

  it('makes a key and a request, and takes the certificate that belongs to it', async () => {
    const kind = makeKind({ issuer: 'csr', names })
    const { parts, csr } = await kind.request!({ material: 'm', now })
    assert.match(csr, /^-----BEGIN CERTIFICATE REQUEST-----\n/)
    const key = parts['private_key']!
    const found = (pem: Buffer) =>
      [
        { part: 'private_key', format: 'pkcs8-der', bytes: key, place: 'the request' },
        { part: 'certificate', format: 'pem', bytes: SecretBytes.copyOf(pem), place: 'answer.pem' },
      ] as const
    const made = await kind.adopt?.(
      found(
        await signFor(
          createPrivateKey({ key: key.bytes, format: 'der', type: 'pkcs8' }),
          names,
          below,
        ),
      ),
      'm',
    )
    assert.equal(made?.attributes['issuer_kind'], 'csr')
    assert.equal(
      new X509Certificate(made.parts['chain']!.bytes).fingerprint,
      below.certificate.fingerprint,
    )
    const narrow = await signFor(
      createPrivateKey({ key: key.bytes, format: 'der', type: 'pkcs8' }),
      ['chat.example.com'],
      below,
    )
    await assert.rejects(async () => kind.adopt?.(found(narrow), 'm'), /not for \*\.example\.org/)
  })
})
