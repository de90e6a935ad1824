import assert from 'node:assert/strict'
import { createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { canonical } from '../../src/store/canonical.ts'
import { decodeParts, encodeParts } from '../../src/store/parts-encoding.ts'
import { type SealedPlace, seal, unseal } from '../../src/store/seal.ts'

const key = createSecretKey(randomBytes(32))
const place: SealedPlace = ['version', 'vapid', 3]
const bytes = fc.uint8Array({ maxLength: 300 })

describe('a sealed value', () => {
  it('opens at its place to what was sealed', () => {
    fc.assert(
      fc.property(bytes, (plain) => {
        const sealed = seal(key, SecretBytes.copyOf(plain), place)
        assert.deepEqual(unseal(key, sealed, place)?.bytes, Buffer.from(plain))
      }),
    )
  })

  it('opens nowhere else, under no other key, and not when a bit of it differs', () => {
    const sealed = seal(key, SecretBytes.fromText('secret'), place)
    const elsewhere: SealedPlace[] = [
      ['version', 'vapid', 4],
      ['version', 'vapid3'],
      ['held', 'vapid', 3],
      ['version', 'vapi', 'd3'],
    ]
    for (const other of elsewhere) assert.equal(unseal(key, sealed, other), undefined)
    assert.equal(unseal(createSecretKey(randomBytes(32)), sealed, place), undefined)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(unseal(key, flipped, place), undefined)
    }
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(unseal(key, sealed.subarray(0, length), place), undefined)
    }
  })

  it('is nonce, AES-256-GCM ciphertext and tag, with the length-prefixed place as associated data', () => {
    const sealed = seal(key, SecretBytes.fromText('secret'), ['version', 'a', 1])
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    decipher.setAAD(Buffer.from('\0\0\0\x07version\0\0\0\x01a\0\0\0\x011', 'latin1'))
    decipher.setAuthTag(sealed.subarray(-16))
    const plain = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
    assert.equal(plain.toString(), 'secret')
  })

  it('never looks the same twice', () => {
    const sealed = () => seal(key, SecretBytes.fromText('secret'), place).toString('hex')
    assert.equal(new Set(Array.from({ length: 100 }, sealed)).size, 100)
  })
})

describe('the encodings under it', () => {
  const fields = fc.array(fc.oneof(fc.string(), fc.constant(null)), { maxLength: 4 })

  it('tell any two lists of fields apart', () => {
    fc.assert(
      fc.property(fields, fields, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b)
        assert.equal(canonical(a).equals(canonical(b)), same)
      }),
    )
    assert.equal(canonical(['a', 'bc']).equals(canonical(['ab', 'c'])), false)
    assert.equal(canonical([null]).equals(canonical([''])), false)
  })

  it('give every part back, in any order of their names', () => {
    const names = fc.string({ minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(fc.dictionary(names, bytes, { maxKeys: 5 }), (parts) => {
        const secrets = Object.entries(parts).map(
          ([name, part]) => [name, SecretBytes.copyOf(part)] as const,
        )
        const encoded = encodeParts(Object.fromEntries(secrets))
        assert.ok(encodeParts(Object.fromEntries(secrets.toReversed())).equals(encoded))
        const decoded = decodeParts(encoded)
        assert.deepEqual(Object.keys(decoded).toSorted(), Object.keys(parts).toSorted())
        for (const [name, part] of Object.entries(parts)) {
          assert.deepEqual(decoded[name]?.bytes, Buffer.from(part))
        }
      }),
    )
  })
})
