import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { privateKeyOfSeed } from '../../src/formats/ed25519.ts'
import { ed25519 } from '../../src/materials/ed25519.ts'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import type { Format } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'
import { needs } from '../support/parts.ts'

const kind = ed25519.create({}, kindContext) as MadeHere
const signal = new AbortController().signal
const generate = () => kind.generate({ material: 'signing', now: 0 }, signal)
const find = (part: string, format: Format, bytes: Uint8Array | string): Found => ({
  part,
  format,
  bytes: SecretBytes.copyOf(Buffer.from(bytes)),
  place: `file /${part}`,
})

describeKind('ed25519', () => kind, {
  public: ['public_key'],
  readable: [['private_key'], ['private_key', 'public_key']],
})

describe('ed25519', () => {
  it('derives the public key of RFC 8032 §7.1, test 1', async () => {
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const { attributes } = await kind.adopt!([find('private_key', 'hex', seed)], 'signing')
    assert.deepEqual(attributes, {
      algorithm: 'Ed25519',
      public_key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    })
  })

  it('writes keys that openssl signs and verifies with', needs('openssl'), async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-'))
    t.after(() => rm(folder, { recursive: true }))
    const { parts } = await generate()
    const [message, publicKey, signature] = ['message', 'public.pem', 'signature'].map((name) =>
      join(folder, name),
    ) as [string, string, string]
    await writeFile(message, 'delivered')
    await writeFile(publicKey, (await kind.render(parts, 'public_key', 'pem')).bytes)
    const key = privateKeyOfSeed(parts['private_key']!.bytes)
    await writeFile(signature, sign(null, Buffer.from('delivered'), key))
    const args = ['-verify', '-pubin', '-inkey', publicKey, '-rawin', '-in', message]
    execFileSync('openssl', ['pkeyutl', ...args, '-sigfile', signature], { stdio: 'pipe' })

    const spki = (await kind.render(parts, 'public_key', 'der')).bytes
    for (const [format, form] of [
      ['pkcs8-pem', 'PEM'],
      ['pkcs8-der', 'DER'],
    ] as const) {
      const input = (await kind.render(parts, 'private_key', format)).bytes
      const args = ['pkey', '-inform', form, '-pubout', '-outform', 'DER']
      assert.deepEqual(execFileSync('openssl', args, { input, stdio: 'pipe' }), spki)
    }
  })

  it('adopts what openssl writes', needs('openssl'), async () => {
    const pem = execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519'], { stdio: 'pipe' })
    const args = ['pkey', '-pubout', '-outform', 'DER']
    const raw = execFileSync('openssl', args, { input: pem, stdio: 'pipe' }).subarray(-32)
    const { attributes } = await kind.adopt!([find('private_key', 'pkcs8-pem', pem)], 'signing')
    assert.equal(attributes['public_key'], raw.toString('hex'))
  })

  it('refuses a public key of another pair, seeds of another length and other keys', async () => {
    const [mine, other] = [await generate(), await generate()]
    const seed = mine.parts['private_key']!.bytes
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    for (const found of [
      [
        find('private_key', 'raw', seed),
        find('public_key', 'raw', other.parts['public_key']!.bytes),
      ],
      [find('private_key', 'raw', seed.subarray(1))],
      [find('private_key', 'raw', Buffer.concat([seed, Buffer.from('\n')]))],
      [find('private_key', 'pkcs8-pem', x25519)],
      [find('public_key', 'raw', mine.parts['public_key']!.bytes)],
    ]) {
      await assert.rejects(async () => kind.adopt?.(found, 'signing'), { name: 'OperatorError' })
    }
  })
})
