import assert from 'node:assert/strict'
import { createPublicKey, ECDH, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  derivePoint,
  isPoint,
  pairOf,
  pointOf,
  privateKeyOf,
  publicKeyOf,
} from '../../src/formats/p256.ts'

describe('p256', () => {
  it('takes key objects apart as their JWK has them, and puts them together again', () => {
    for (let round = 0; round < 300; round++) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const jwk = privateKey.export({ format: 'jwk' })
      const pair = pairOf(privateKey)!
      assert.equal(pair.scalar.toString('base64url'), jwk.d)
      assert.equal(pair.point.toString('hex'), `04${hex(jwk.x)}${hex(jwk.y)}`)
      assert.deepEqual(derivePoint(pair.scalar), pair.point)
      assert.ok(privateKeyOf(pair).equals(privateKey))
      assert.ok(publicKeyOf(pair.point).equals(publicKey))
      assert.deepEqual(pointOf(createPublicKey(privateKey)), pair.point)
    }
  })

  it('has no pair for other curves', () => {
    assert.equal(pairOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), undefined)
    assert.equal(pairOf(generateKeyPairSync('ed25519').privateKey), undefined)
  })

  it('knows points by their one uncompressed form', () => {
    const { point } = pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)!
    assert.equal(isPoint(point), true)
    for (const form of ['compressed', 'hybrid'] as const) {
      const other = ECDH.convertKey(point, 'prime256v1', undefined, undefined, form) as Buffer
      assert.equal(isPoint(other), false, form)
    }
    assert.equal(isPoint(point.with(64, point[64]! ^ 1) as Buffer), false)
    assert.equal(isPoint(Buffer.alloc(0)), false)
  })
})

function hex(base64url: string | undefined): string {
  return Buffer.from(base64url ?? '', 'base64url').toString('hex')
}
