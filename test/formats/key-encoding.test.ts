import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  type PrivateKeyFormat,
  readPrivateKey,
  readPublicKey,
  writePrivateKey,
  writePublicKey,
} from '../../src/formats/key-encoding.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const ed25519 = generateKeyPairSync('ed25519')
const formatsOf = new Map<KeyObject, PrivateKeyFormat[]>([
  [rsa.privateKey, ['pkcs8-pem', 'pkcs8-der', 'pkcs1-pem']],
  [ec.privateKey, ['pkcs8-pem', 'pkcs8-der', 'sec1-pem']],
  [ed25519.privateKey, ['pkcs8-pem', 'pkcs8-der']],
])

describe('key encoding', () => {
  it('writes private keys as Node does and reads them back', () => {
    for (const [key, formats] of formatsOf) {
      for (const name of formats) {
        const [type, format] = name.split('-') as ['pkcs8', 'pem']
        const written = writePrivateKey(key, name)
        assert.deepEqual(written, Buffer.from(key.export({ type, format })), name)
        assert.ok(readPrivateKey(written, name)?.equals(key), name)
      }
    }
  })

  it('writes public keys as Node does and reads them back', () => {
    for (const { publicKey } of [rsa, ec, ed25519]) {
      for (const format of ['pem', 'der'] as const) {
        const written = writePublicKey(publicKey, format)
        assert.deepEqual(
          written,
          Buffer.from(publicKey.export({ type: 'spki', format: format as 'pem' })),
        )
        assert.ok(readPublicKey(written, format)?.equals(publicKey))
      }
    }
  })

  it('finds the key in any container, and behind other objects', () => {
    const sec1 = writePrivateKey(ec.privateKey, 'sec1-pem')
    const parameters = Buffer.from(
      '-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n',
    )
    const file = Buffer.concat([parameters, sec1])
    assert.ok(readPrivateKey(file, 'pkcs8-pem')?.equals(ec.privateKey))
    for (const [{ privateKey }, type] of [
      [ec, 'sec1'],
      [rsa, 'pkcs1'],
    ] as const) {
      const der = privateKey.export({ type: type as 'sec1', format: 'der' })
      assert.ok(readPrivateKey(der, 'pkcs8-der')?.equals(privateKey), type)
    }
  })

  it('refuses encrypted keys, public keys and garbage', () => {
    const encrypted = rsa.privateKey.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    })
    const open = writePublicKey(rsa.publicKey, 'pem')
    for (const bytes of [Buffer.from(encrypted), open, Buffer.from('garbage'), Buffer.alloc(0)]) {
      assert.equal(readPrivateKey(bytes, 'pkcs8-pem'), undefined)
      assert.equal(readPrivateKey(bytes, 'pkcs8-der'), undefined)
    }
    const secret = writePrivateKey(rsa.privateKey, 'pkcs8-pem')
    for (const bytes of [secret, Buffer.from('garbage'), Buffer.alloc(0)]) {
      assert.equal(readPublicKey(bytes, 'pem'), undefined)
      assert.equal(readPublicKey(bytes, 'der'), undefined)
    }
  })

  it('leaves the bytes that it reads alone', () => {
    for (const format of ['pkcs8-pem', 'pkcs8-der'] as const) {
      const written = writePrivateKey(ec.privateKey, format)
      const before = Buffer.from(written)
      readPrivateKey(written, format)
      assert.deepEqual(written, before)
    }
  })
})
