import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { before, describe, it } from 'node:test'
import { generatePrivateKey } from '../../../src/formats/key-algorithm.ts'
import { writePrivateKey } from '../../../src/formats/key-encoding.ts'
import { decodePem, encodePem } from '../../../src/formats/pem.ts'
import { writePkcs12 } from '../../../src/formats/pkcs12.ts'
import type { Found, MadeHere } from '../../../src/materials/kind.ts'
import { tls } from '../../../src/materials/tls/tls.ts'
import type { Format } from '../../../src/model/material.ts'
import { SecretBytes } from '../../../src/model/secret-bytes.ts'
import { kindContext } from '../../support/kind-context.ts'
import { makeAuthority, signFor, type TestAuthority } from './authority.ts'

const kind = tls.create(
  tls.schema.parse({ issuer: 'self_signed', names: ['new.example.com'] }),
  kindContext,
) as MadeHere

let root: TestAuthority
let issuing: TestAuthority
let key: Buffer
let fullchain: Buffer

before(async () => {
  root = await makeAuthority({ name: 'root' })
  issuing = await makeAuthority({ name: 'issuing', above: root })
  const made = await generatePrivateKey('ecdsa-p256')
  key = writePrivateKey(made, 'pkcs8-pem')
  fullchain = await signFor(made, ['chat.example.com'], issuing)
})

function at(place: string, part: string, bytes: Buffer, format: Format = 'pem'): Found {
  return { part, format, bytes: SecretBytes.copyOf(bytes), place }
}
const adopt = async (...found: Found[]) => kind.adopt!(found, 'chat-tls')
const pemOf = (pem: Buffer, index: number) => encodePem('CERTIFICATE', decodePem(pem)![index]!.der)

describe('adopting a certificate', () => {
  it('takes what is in use from another issuer, whatever its names', async () => {
    const { parts, attributes } = await adopt(
      at('k', 'private_key', key),
      at('c', 'fullchain', fullchain),
    )
    assert.equal(attributes['names'], 'chat.example.com')
    assert.deepEqual((await kind.render(parts, 'fullchain', 'pem')).bytes, fullchain)
    assert.deepEqual((await kind.render(parts, 'ca', 'pem')).bytes, root.pem)
  })

  it('puts together what several places hold', async () => {
    const { parts } = await adopt(
      at('k', 'private_key', key),
      at('c', 'certificate', decodePem(fullchain)![0]!.der, 'der'),
      at('i', 'chain', pemOf(fullchain, 1)),
      at('r', 'ca', root.pem),
      at('again', 'combined', Buffer.concat([fullchain, key])),
    )
    assert.deepEqual((await kind.render(parts, 'fullchain', 'pem')).bytes, fullchain)
  })

  it('reads PKCS #12 with the chain in any order', async () => {
    const [leaf, one, two] = decodePem(fullchain)!.map(({ der }) => der)
    const bundle = await writePkcs12({
      privateKey: decodePem(key)![0]!.der,
      certificates: [two!, one!, leaf!],
      password: Buffer.alloc(0),
    })
    const { parts } = await adopt(at('b', 'bundle', bundle, 'pkcs12'))
    assert.deepEqual((await kind.render(parts, 'fullchain', 'pem')).bytes, fullchain)
  })

  it('names both places of what does not belong together', async () => {
    const otherKey = await generatePrivateKey('ecdsa-p256')
    const other = writePrivateKey(otherKey, 'pkcs8-pem')
    const stranger = await makeAuthority({ name: 'stranger' })
    const cases: [Found[], RegExp][] = [
      [
        [at('/k', 'private_key', other), at('/c', 'certificate', fullchain)],
        /^\/c and \/k hold a certificate and a key that do not match$/,
      ],
      [
        [
          at('/k1', 'private_key', key),
          at('/k2', 'private_key', other),
          at('/c', 'fullchain', fullchain),
        ],
        /^\/k1 and \/k2 hold different private keys$/,
      ],
      [
        [
          at('/k', 'private_key', key),
          at('/c', 'certificate', fullchain),
          at('/i', 'chain', stranger.pem),
        ],
        /^\/c and \/i: one of the certificates issued none of the others$/,
      ],
      [
        [
          at('/k', 'private_key', key),
          at('/c', 'fullchain', fullchain),
          at('/r', 'ca', stranger.pem),
        ],
        /^\/r: what is there did not issue the certificate$/,
      ],
      [[at('/c', 'certificate', fullchain)], /no private_key was found, only \/c/],
      [[at('/k', 'private_key', key)], /no certificate was found, only \/k/],
      [[at('/x', 'combined', fullchain)], /^\/x: what is there holds 0 private keys, not one$/],
      [[at('/x', 'no_such_part', fullchain)], /^\/x: what is there is no part of kind tls$/],
    ]
    for (const [found, message] of cases) await assert.rejects(adopt(...found), { message })
  })

  it('tells a renewal with the same key at one place only', async () => {
    const renewed = await signFor(createPrivateKey(key), ['chat.example.com'], issuing)
    await assert.rejects(
      adopt(
        at('/k', 'private_key', key),
        at('/a', 'fullchain', fullchain),
        at('/b', 'fullchain', renewed),
      ),
      { message: '/a and /b hold different certificates' },
    )
  })
})
