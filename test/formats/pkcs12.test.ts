import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { generatePrivateKey } from '../../src/formats/key-algorithm.ts'
import { writePrivateKey } from '../../src/formats/key-encoding.ts'
import { writePkcs12 } from '../../src/formats/pkcs12.ts'
import { readPkcs12 } from '../../src/formats/pkcs12-reader.ts'
import { makeAuthority } from '../materials/tls/authority.ts'

async function contents(password = '') {
  const { certificate, key } = await makeAuthority()
  return {
    privateKey: writePrivateKey(key, 'pkcs8-der'),
    certificates: [certificate.raw] as const,
    password: Buffer.from(password),
  }
}

describe('PKCS #12', () => {
  it('reads what it wrote, with that password only', async () => {
    const written = await contents('password')
    const bytes = await writePkcs12(written)
    const { privateKeys, certificates } = (await readPkcs12(bytes, 'password'))!
    assert.deepEqual(privateKeys, [written.privateKey])
    assert.deepEqual(certificates, [written.certificates[0]])
    assert.equal(await readPkcs12(bytes, ''), undefined)
  })

  it('is the same for the same contents, and shares no salt with any other', async () => {
    const one = await contents()
    const other = { ...one, password: Buffer.from('x') }
    const otherKey = {
      ...one,
      privateKey: writePrivateKey(await generatePrivateKey('ed25519'), 'pkcs8-der'),
    }
    const containers = await Promise.all([one, other, otherKey].map((input) => writePkcs12(input)))
    assert.deepEqual(await writePkcs12(one), containers[0])
    const salts = containers.map((bytes) => bytes.subarray(-24, -8).toString('hex'))
    assert.equal(new Set(salts).size, 3)
  })

  it('refuses an iteration count that would hold up the daemon', async () => {
    const bytes = await writePkcs12(await contents())
    const count = Buffer.from('02020800', 'hex')
    const places = [bytes.indexOf(count), bytes.lastIndexOf(count)]
    assert.notEqual(places[0], places[1])
    // The same length: the integer becomes wider by what the salt before it becomes shorter.
    for (const end of places) {
      const costly = Buffer.from(bytes)
      costly[end - 17] = 14
      costly.set(Buffer.from('02047fffffff', 'hex'), end - 2)
      const before = performance.now()
      assert.equal(await readPkcs12(costly, ''), undefined)
      assert.ok(performance.now() - before < 1000)
    }
  })

  it('survives damage anywhere', async () => {
    const bytes = await writePkcs12(await contents())
    const damage = fc.record({
      at: fc.nat(bytes.length - 1),
      bits: fc.integer({ min: 1, max: 255 }),
    })
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, bits }) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ bits
        await readPkcs12(damaged, '')
        await readPkcs12(bytes.subarray(0, at), '').then((read) => assert.equal(read, undefined))
      }),
      { numRuns: 60 },
    )
  })
})
