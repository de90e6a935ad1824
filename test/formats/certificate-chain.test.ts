import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { isSelfSigned, orderChain } from '../../src/formats/certificate-chain.ts'
import { signCertificate } from '../../src/formats/certificate-issuance.ts'
import { generatePrivateKey } from '../../src/formats/key-algorithm.ts'
import { makeAuthority, signFor, type TestAuthority } from '../materials/tls/authority.ts'

const titles = (certificates: readonly X509Certificate[]) =>
  certificates.map(({ subject }) => /CN=(.*)/.exec(subject)?.[1])

async function leafUnder(authority: TestAuthority) {
  const key = await generatePrivateKey('ecdsa-p256')
  return new X509Certificate(await signFor(key, ['chat.example.com'], authority))
}

describe('a certificate chain', () => {
  it('comes out the same whatever the order it is found in', async () => {
    const root = await makeAuthority({ name: 'root' })
    const middle = await makeAuthority({ name: 'middle', above: root })
    const issuing = await makeAuthority({ name: 'issuing', above: middle })
    const leaf = await leafUnder(issuing)
    const stranger = await makeAuthority({ name: 'stranger' })
    const all = [root, middle, issuing, stranger].map(({ certificate }) => certificate)
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, leaf, leaf], { minLength: 6 }), (found) => {
        const { issuers, unrelated } = orderChain(leaf, found)
        assert.deepEqual(titles(issuers), ['issuing', 'middle', 'root'])
        assert.deepEqual(titles(unrelated), ['stranger'])
      }),
      { numRuns: 20 },
    )
  })

  it('ends where two authorities certify each other', async () => {
    const one = await makeAuthority({ name: 'one' })
    const two = await makeAuthority({ name: 'two', above: one })
    const crossed = await makeAuthority({ name: 'one', key: one.key, above: two })
    const leaf = await leafUnder(two)
    const { issuers } = orderChain(leaf, [crossed.certificate, two.certificate])
    assert.deepEqual(titles(issuers), ['two', 'one'])
  })

  it('does not take a namesake with another key for the issuer', async () => {
    const root = await makeAuthority({ name: 'root' })
    const namesake = await makeAuthority({ name: 'root' })
    const key = await generatePrivateKey('ecdsa-p256')
    // Without key identifiers nothing but the signature tells them apart.
    const template = {
      attributes: [['CN', 'leaf']],
      names: [],
      key,
      notBefore: 0,
      notAfter: 1,
    } as const
    const der = await signCertificate({ ...template, issuer: root, keyIdentifiers: false })
    const leaf = new X509Certificate(der)
    assert.deepEqual(orderChain(leaf, [namesake.certificate]).issuers, [])
    assert.deepEqual(orderChain(leaf, [root.certificate]).issuers, [root.certificate])
    assert.ok(isSelfSigned(root.certificate) && !isSelfSigned(leaf))
  })

  it('does not take who may not sign for the issuer', async () => {
    const leaf = await makeAuthority({ name: 'leaf', isCa: false })
    const forged = await leafUnder(leaf)
    assert.deepEqual(orderChain(forged, [leaf.certificate]).issuers, [])
  })
})
