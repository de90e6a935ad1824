import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { generatePrivateKey } from '../../../src/formats/key-algorithm.ts'
import { refuseUnsound } from '../../../src/materials/tls/acceptance.ts'
import { makeAuthority, signFor } from './authority.ts'

const names = ['chat.example.com']

describe('what an issuer yields', () => {
  it('is refused when the key, the order of the chain or the anchor is wrong', async () => {
    const root = await makeAuthority({ name: 'root' })
    const issuing = await makeAuthority({ name: 'issuing', above: root })
    const key = await generatePrivateKey('ecdsa-p256')
    const leaf = new X509Certificate(await signFor(key, names, issuing))
    const [anchor, middle] = [root.certificate, issuing.certificate]
    const sound = { key, leaf, chain: [middle], anchor }
    const refuse = (change: object) => () => refuseUnsound({ ...sound, ...change }, names, 'it')
    assert.doesNotThrow(refuse({}))
    assert.throws(refuse({ key: root.key }), {
      message: /^it: .*does not belong to the private key$/,
    })
    const disorder = { message: /^it: its chain is not in order/ }
    assert.throws(refuse({ chain: [anchor, middle] }), disorder)
    assert.throws(refuse({ chain: [] }), disorder)
    assert.throws(refuse({ anchor: (await makeAuthority({ name: 'root' })).certificate }), disorder)
  })
})
