import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createECDH, createPublicKey, ECDH, generateKeyPairSync, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import webPush from 'web-push'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import { vapid } from '../../src/materials/vapid.ts'
import type { Format } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'
import { needs } from '../support/parts.ts'

const kind = vapid.create({}, kindContext) as MadeHere
const signal = new AbortController().signal
const generate = () => kind.generate({ material: 'push', now: 0 }, signal)
const find = (
  part: string,
  format: Format,
  bytes: Uint8Array | string,
  place = 'file /k',
): Found => ({
  part,
  format,
  bytes: SecretBytes.copyOf(Buffer.from(bytes)),
  place,
})
const openssl = (args: string[], input: Buffer) =>
  execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'ignore'] })
const curveOrder = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'

describeKind('vapid', () => kind, {
  public: ['public_key'],
  derived: ['web_push_json'],
  readable: [['private_key'], ['private_key', 'public_key'], ['web_push_json']],
})

describe('vapid', () => {
  it('gives targets the private key in base64url by default', () => {
    assert.equal(Object.keys(kind.parts)[0], 'private_key')
    assert.equal(kind.parts['private_key']?.formats[0], 'base64url')
    assert.equal(kind.parts['public_key']?.formats[0], 'base64url')
  })

  it('makes keys that web-push takes and signs with', async () => {
    const { parts } = await generate()
    const json = (await kind.render(parts, 'web_push_json', 'json')).bytes.toString()
    const { publicKey, privateKey } = JSON.parse(json) as {
      publicKey: string
      privateKey: string
    }
    assert.equal(publicKey.length, 87)
    assert.equal(privateKey.length, 43)
    const subject = 'mailto:admin@example.com'
    webPush.setVapidDetails(subject, publicKey, privateKey)
    const client = createECDH('prime256v1')
    const { headers } = webPush.generateRequestDetails(
      {
        endpoint: 'https://push.example.com/abc',
        keys: {
          p256dh: client.generateKeys('base64url'),
          auth: Buffer.alloc(16, 7).toString('base64url'),
        },
      },
      'hello',
      { vapidDetails: { subject, publicKey, privateKey } },
    )
    const { t, k } = authorization(String(headers?.['Authorization']))
    assert.equal(k, publicKey)
    assert.ok(verifiesToken(t, k))
  })

  it(
    'names the key by the SHA-256 of its 65 bytes, as openssl sees them',
    needs('openssl'),
    async () => {
      const { parts, fingerprint, attributes } = await generate()
      const pem = (await kind.render(parts, 'private_key', 'pkcs8-pem')).bytes
      const point = openssl(['pkey', '-pubout', '-outform', 'DER'], pem).subarray(-65)
      const digest = openssl(['dgst', '-sha256', '-r'], point).toString('latin1').slice(0, 64)
      assert.equal(fingerprint, `sha256:${digest}`)
      assert.deepEqual(attributes, {
        algorithm: 'ES256',
        key_id: digest.slice(0, 16),
        public_key: point.toString('base64url'),
      })
    },
  )

  it('writes containers that openssl reads as one key', needs('openssl'), async () => {
    const { parts } = await generate()
    const spki = (await kind.render(parts, 'public_key', 'der')).bytes
    for (const [format, form] of [
      ['pkcs8-pem', 'PEM'],
      ['pkcs8-der', 'DER'],
      ['sec1-pem', 'PEM'],
    ] as const) {
      const key = (await kind.render(parts, 'private_key', format)).bytes
      const args = ['ec', '-inform', form, '-check', '-pubout', '-outform', 'DER']
      assert.deepEqual(openssl(args, key), spki, format)
    }
    const pem = (await kind.render(parts, 'public_key', 'pem')).bytes
    assert.deepEqual(openssl(['pkey', '-pubin', '-outform', 'DER'], pem), spki)
  })

  it('adopts what openssl writes', needs('openssl'), async () => {
    const sec1 = openssl(['ecparam', '-name', 'prime256v1', '-genkey'], Buffer.alloc(0))
    const expected = openssl(['ec', '-pubout', '-outform', 'DER'], sec1).subarray(-65)
    const pkcs8 = openssl(['pkcs8', '-topk8', '-nocrypt'], sec1)
    const traditional = openssl(['ec', '-outform', 'DER'], sec1)
    const bare = openssl(['ec', '-no_public'], sec1)
    for (const [format, bytes] of [
      ['sec1-pem', sec1],
      ['sec1-pem', bare],
      ['pkcs8-pem', sec1],
      ['pkcs8-pem', pkcs8],
      ['pkcs8-pem', pkcs8.toString().replaceAll('\n', '\r\n')],
      ['pkcs8-der', traditional],
    ] as const) {
      const { parts } = await kind.adopt!([find('private_key', format, bytes)], 'push')
      assert.deepEqual(parts['public_key']?.bytes, expected)
    }
  })

  it('adopts keys of web-push, padded or not', async () => {
    const { publicKey, privateKey } = webPush.generateVAPIDKeys()
    for (const padding of ['', '=', '=\n', '\n']) {
      const found = find('private_key', 'base64url', privateKey + padding)
      const { attributes } = await kind.adopt!([found], 'push')
      assert.equal(attributes['public_key'], publicKey)
    }
    const json = find('web_push_json', 'json', JSON.stringify({ publicKey, privateKey }, null, 2))
    const { attributes } = await kind.adopt!([json], 'push')
    assert.equal(attributes['public_key'], publicKey)
  })

  it('keeps 32 bytes for scalars with leading zeros', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 1n, max: 2n ** 244n }), async (scalar) => {
        const bytes = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
        const { parts } = await kind.adopt!([find('private_key', 'raw', bytes)], 'push')
        for (const format of kind.parts['private_key']!.formats) {
          const rendered = await kind.render(parts, 'private_key', format)
          const again = await kind.adopt!([find('private_key', format, rendered.bytes)], 'push')
          assert.deepEqual(again.parts['private_key']?.bytes, bytes)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('refuses scalars outside [1, n − 1] and of the wrong length', async () => {
    for (const hex of [
      '00'.repeat(32),
      curveOrder,
      'ff'.repeat(32),
      '11'.repeat(31),
      '11'.repeat(33),
    ]) {
      const found = find('private_key', 'hex', hex)
      await assert.rejects(async () => kind.adopt?.([found], 'push'), OperatorError)
    }
    const last = (BigInt(`0x${curveOrder}`) - 1n).toString(16)
    await kind.adopt!([find('private_key', 'hex', last)], 'push')
  })

  it('refuses public keys that are off the curve, compressed or of another pair', async () => {
    const [mine, other] = [await generate(), await generate()]
    const scalar = find('private_key', 'raw', mine.parts['private_key']!.bytes)
    const point = mine.parts['public_key']!.bytes
    const offCurve = Buffer.from(point)
    offCurve[64]! ^= 1
    const compressed = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed')
    for (const bytes of [offCurve, compressed as Buffer, other.parts['public_key']!.bytes]) {
      const found = [scalar, find('public_key', 'raw', bytes, 'file /public')]
      await assert.rejects(
        async () => kind.adopt?.(found, 'push'),
        /^OperatorError: file \/public: /,
      )
    }
  })

  it('refuses a container whose public key is somebody else’s', async () => {
    const [mine, other] = [await generate(), await generate()]
    const der = Buffer.from((await kind.render(mine.parts, 'private_key', 'pkcs8-der')).bytes)
    der.set(other.parts['public_key']!.bytes, der.length - 65)
    const found = find('private_key', 'pkcs8-der', der)
    await assert.rejects(async () => kind.adopt?.([found], 'push'), OperatorError)
  })

  it('refuses keys of other curves and kinds', async () => {
    for (const { privateKey } of [
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('ed25519'),
    ]) {
      const found = find(
        'private_key',
        'pkcs8-pem',
        privateKey.export({ type: 'pkcs8', format: 'pem' }),
      )
      await assert.rejects(async () => kind.adopt?.([found], 'push'), OperatorError)
    }
  })

  it('refuses a public key alone, and two places that differ', async () => {
    const [mine, other] = [await generate(), await generate()]
    const open = find('public_key', 'raw', mine.parts['public_key']!.bytes)
    await assert.rejects(async () => kind.adopt?.([open], 'push'), /no private_key was found/)
    const two = [
      find('private_key', 'raw', mine.parts['private_key']!.bytes, 'file /one'),
      find('private_key', 'raw', other.parts['private_key']!.bytes, 'file /two'),
    ]
    await assert.rejects(async () => kind.adopt?.(two, 'push'), /file \/two: .* file \/one/)
  })
})

function authorization(header: string): { t: string; k: string } {
  const match = /^vapid t=([^,]+), k=(.+)$/.exec(header)
  return { t: match?.[1] ?? '', k: match?.[2] ?? '' }
}

/** RFC 8292 §2: an ES256 JWT under the key in `k`. */
function verifiesToken(token: string, publicKey: string): boolean {
  const [head, body, signature] = token.split('.')
  const point = Buffer.from(publicKey, 'base64url')
  const key = createPublicKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33).toString('base64url'),
    },
  })
  return verify(
    'sha256',
    Buffer.from(`${head}.${body}`),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature!, 'base64url'),
  )
}
