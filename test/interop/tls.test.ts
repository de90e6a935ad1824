import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, createServer, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import type { Found, Made, MadeHere } from '../../src/materials/kind.ts'
import { tls } from '../../src/materials/tls/tls.ts'
import { type Format, formats } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { kindContext } from '../support/kind-context.ts'
import { needs } from '../support/parts.ts'

const run = promisify(execFile)
const names = ['chat.example.com', '*.example.org', '127.0.0.1', '::1']
const algorithms = ['ecdsa-p256', 'ecdsa-p384', 'ed25519', 'rsa-2048'] as const
const password = 'correct horse'

/** OpenSSL's commands that make a CA key of each kind. */
const caKeys: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  Ed25519: ['-algorithm', 'ED25519'],
}

let folder: string
const inFolder = (name: string) => join(folder, name)

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-interop-tls-'))
})
after(() => rm(folder, { recursive: true }))

async function openssl(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('openssl', args, { cwd: folder })
  return stdout + stderr
}

/** A root and a CA below it, both made by OpenSSL. */
async function makeOpensslCa(keyOptions: readonly string[]) {
  const subject = (name: string) => ['-subj', `/C=DE/O=Gr\u00fc\u00dfe/CN=${name}`, '-utf8']
  const extension = (text: string) => ['-addext', text]
  for (const name of ['root', 'issuing']) {
    await openssl('genpkey', ...keyOptions, '-out', `${name}.key`)
  }
  await openssl(
    'req',
    '-new',
    '-x509',
    '-key',
    'root.key',
    '-out',
    'root.pem',
    '-days',
    '900',
    ...subject('root'),
    ...extension('keyUsage=critical,keyCertSign,cRLSign'),
  )
  await openssl('req', '-new', '-key', 'issuing.key', '-out', 'issuing.csr', ...subject('issuing'))
  await writeFile(
    inFolder('ca.cnf'),
    'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n' +
      'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
  )
  await openssl(
    'x509',
    '-req',
    '-in',
    'issuing.csr',
    '-CA',
    'root.pem',
    '-CAkey',
    'root.key',
    '-CAcreateserial',
    '-extfile',
    'ca.cnf',
    '-days',
    '800',
    '-out',
    'issuing.pem',
  )
  const certificates = [
    await readFile(inFolder('issuing.pem')),
    await readFile(inFolder('root.pem')),
  ]
  await writeFile(inFolder('issuing-chain.pem'), Buffer.concat(certificates))
  return { certificate: inFolder('issuing-chain.pem'), key: inFolder('issuing.key') }
}

const makeKind = (options: object) =>
  tls.create(tls.schema.parse({ names, ...options }), kindContext) as MadeHere

async function generate(kind: MadeHere): Promise<Made> {
  // The system's time, since OpenSSL and node:tls judge by it.
  const now = Date.now()
  return kind.generate({ material: 'chat-tls', now }, new AbortController().signal)
}

/** Writes a part to a file, as a target would. */
async function write(kind: MadeHere, made: Made, part: string, format: Format): Promise<string> {
  const name = `${part}.${format}`
  await writeFile(inFolder(name), (await kind.render(made.parts, part, format)).bytes)
  return name
}

async function spkiBy(...args: string[]): Promise<string> {
  const { stdout } = await run('openssl', args, { cwd: folder, encoding: 'buffer' })
  return `sha256:${createHash('sha256').update(stdout).digest('hex')}`
}

describe('certificates before OpenSSL', needs('openssl'), () => {
  for (const [ca, keyOptions] of Object.entries(caKeys)) {
    it(`verifies leaves of every algorithm from a CA with ${ca}`, async () => {
      const files = await makeOpensslCa(keyOptions)
      for (const algorithm of algorithms) {
        const kind = makeKind({ issuer: { ca: files }, algorithm })
        const made = await generate(kind)
        const leaf = await write(kind, made, 'certificate', 'pem')
        const chain = await write(kind, made, 'chain', 'pem')
        const anchor = await write(kind, made, 'ca', 'pem')
        const verify = ['verify', '-x509_strict', '-CAfile', anchor, '-untrusted', chain]
        for (const purpose of ['sslserver', 'sslclient']) {
          const checks = ['-purpose', purpose, '-verify_hostname', 'chat.example.com']
          assert.equal(await openssl(...verify, ...checks, leaf), `${leaf}: OK\n`, algorithm)
        }
        await assert.rejects(openssl(...verify, '-verify_hostname', 'other.example', leaf))
      }
    })
  }

  for (const algorithm of algorithms) {
    it(`verifies ${algorithm} as its own anchor, and reads every format`, async () => {
      const kind = makeKind({ issuer: 'self_signed', algorithm })
      const made = await generate(kind)
      const leaf = await write(kind, made, 'certificate', 'pem')
      const anchor = await write(kind, made, 'ca', 'pem')
      const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', anchor, leaf]
      assert.equal(await openssl(...verify), `${leaf}: OK\n`)
      const expected = made.attributes['spki_sha256']
      const der = await write(kind, made, 'certificate', 'der')
      const fingerprint = await openssl(
        'x509',
        '-in',
        der,
        '-inform',
        'DER',
        '-noout',
        '-fingerprint',
        '-sha256',
      )
      assert.equal(
        fingerprint.trim().split('=')[1],
        new X509Certificate(made.parts['certificate']!.bytes).fingerprint256,
      )
      for (const format of kind.parts['private_key']!.formats) {
        const file = await write(kind, made, 'private_key', format)
        const inform = format.endsWith('der') ? 'DER' : 'PEM'
        const spki = await spkiBy(
          'pkey',
          '-in',
          file,
          '-inform',
          inform,
          '-pubout',
          '-outform',
          'DER',
        )
        assert.equal(spki, expected, format)
      }
    })
  }

  it('writes a private key in DER as PKCS #8, and PEM under the right label', async () => {
    const labels = {
      'pkcs8-pem': 'PRIVATE KEY',
      'sec1-pem': 'EC PRIVATE KEY',
      pem: 'PRIVATE KEY',
    } as const
    const kind = makeKind({ issuer: 'self_signed' })
    const made = await generate(kind)
    for (const [format, label] of Object.entries(labels)) {
      const { bytes } = await kind.render(made.parts, 'private_key', format as Format)
      assert.ok(bytes.toString().startsWith(`-----BEGIN ${label}-----\n`))
    }
    const der = await write(kind, made, 'private_key', 'der')
    assert.match(
      await openssl('asn1parse', '-in', der, '-inform', 'DER'),
      /OBJECT\s+:id-ecPublicKey/,
    )
    assert.match(
      await openssl('pkcs8', '-in', der, '-inform', 'DER', '-nocrypt', '-topk8'),
      /BEGIN ENCRYPTED|BEGIN PRIVATE/,
    )
  })

  it('is read as a request with every name', async () => {
    const kind = makeKind({ issuer: 'csr', algorithm: 'rsa-2048' })
    const { csr } = await kind.request!({ material: 'm', now: Date.now() })
    await writeFile(inFolder('request.csr'), csr)
    const text = await openssl('req', '-in', 'request.csr', '-verify', '-noout', '-text')
    assert.match(text, /verify OK/)
    assert.match(text, /DNS:chat\.example\.com, DNS:\*\.example\.org, IP Address:127\.0\.0\.1/)
  })

  for (const secret of ['', password]) {
    it(`opens PKCS #12 with ${secret ? 'a' : 'an empty'} password`, async () => {
      await writeFile(inFolder('password'), `${secret}\n`)
      const ca = await makeOpensslCa(caKeys['P-256']!)
      const lock = secret && { pkcs12_password_file: inFolder('password') }
      for (const algorithm of algorithms) {
        const kind = makeKind({ issuer: { ca }, algorithm, ...lock })
        const made = await generate(kind)
        const bundle = await write(kind, made, 'bundle', 'pkcs12')
        const text = await openssl(
          'pkcs12',
          '-in',
          bundle,
          '-passin',
          'file:password',
          '-nodes',
          '-info',
        )
        assert.match(text, /MAC: sha256/)
        assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 2)
        await writeFile(inFolder('opened.pem'), text)
        const spki = await spkiBy('pkey', '-in', 'opened.pem', '-pubout', '-outform', 'DER')
        assert.equal(spki, made.attributes['spki_sha256'], algorithm)
        await assert.rejects(openssl('pkcs12', '-in', bundle, '-passin', 'pass:wrong', '-nodes'))
      }
    })
  }

  it('reads PKCS #12 that OpenSSL wrote, in today’s and in the old encryption', async () => {
    await writeFile(inFolder('password'), password)
    const pkcs12_password_file = inFolder('password')
    for (const algorithm of ['ecdsa-p256', 'ed25519', 'rsa-2048'] as const) {
      const kind = makeKind({ issuer: 'self_signed', algorithm, pkcs12_password_file })
      const made = await generate(kind)
      const pem = await write(kind, made, 'combined', 'pem')
      for (const encryption of [[], ['-legacy']]) {
        const secret = ['-passout', 'file:password']
        await openssl(
          'pkcs12',
          '-export',
          '-in',
          pem,
          '-out',
          'theirs.p12',
          ...secret,
          ...encryption,
        )
        const bytes = SecretBytes.take(await readFile(inFolder('theirs.p12')))
        const found: Found = { part: 'bundle', format: 'pkcs12', bytes, place: 'theirs.p12' }
        assert.equal((await kind.adopt?.([found], 'm'))?.fingerprint, made.fingerprint)
      }
    }
  })

  it('reads keys in every container that OpenSSL writes', async () => {
    const kind = makeKind({ issuer: 'self_signed' })
    const made = await generate(kind)
    const certificate = await kind.render(made.parts, 'certificate', 'pem')
    const pem = await write(kind, made, 'private_key', 'pem')
    for (const how of [['-outform', 'DER'], ['-outform', 'PEM'], ['-traditional'], ['-text']]) {
      await openssl('pkey', '-in', pem, ...how, '-out', 'theirs.key')
      const bytes = SecretBytes.take(await readFile(inFolder('theirs.key')))
      const adopted = await kind.adopt?.(
        [
          { part: 'certificate', format: 'pem', bytes: certificate, place: 'c' },
          { part: 'private_key', format: formats[0], bytes, place: 'k' },
        ],
        'm',
      )
      assert.deepEqual(adopted?.parts['private_key']?.bytes, made.parts['private_key']?.bytes)
    }
  })
})

describe('certificates in a TLS handshake', () => {
  for (const algorithm of algorithms) {
    for (const [what, of] of [
      ['PEM', (kind: MadeHere, made: Made) => pemOptions(kind, made)],
      ['PKCS #12', (kind: MadeHere, made: Made) => pfxOptions(kind, made)],
    ] as const) {
      it(`serves ${algorithm} from ${what} to clients that check every name`, async () => {
        const kind = makeKind({ issuer: 'self_signed', algorithm })
        const made = await generate(kind)
        const ca = Buffer.from((await kind.render(made.parts, 'ca', 'pem')).bytes)
        const served = await handshake(await of(kind, made), ca)
        assert.equal(served.fingerprint256, new X509Certificate(ca).fingerprint256)
      })
    }
  }
})

async function pemOptions(kind: MadeHere, { parts }: Made): Promise<TlsOptions> {
  return {
    key: (await kind.render(parts, 'private_key', 'pem')).bytes,
    cert: (await kind.render(parts, 'fullchain', 'pem')).bytes,
  }
}

async function pfxOptions(kind: MadeHere, { parts }: Made): Promise<TlsOptions> {
  return { pfx: (await kind.render(parts, 'bundle', 'pkcs12')).bytes, passphrase: '' }
}

/** Connects once for each kind of name; rejects when the client does not trust what is served. */
async function handshake(options: TlsOptions, ca: Buffer) {
  const server = createServer(options, (socket) => socket.on('error', () => {}).end()).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const peers = []
    for (const name of ['chat.example.com', 'any.example.org', '127.0.0.1']) {
      const servername = isIP(name) ? '' : name
      const socket = connect({ host: '127.0.0.1', port, ca, ...(servername && { servername }) })
      await once(socket, 'secureConnect')
      peers.push(socket.getPeerCertificate())
      socket.destroy()
    }
    return peers[0]!
  } finally {
    server.close()
  }
}
