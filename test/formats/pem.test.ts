import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decodePem, encodePem } from '../../src/formats/pem.ts'

describe('pem', () => {
  it('writes what OpenSSL writes', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const der = privateKey.export({ type: 'pkcs8', format: 'der' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    assert.equal(encodePem('PRIVATE KEY', der).toString(), pem)
  })

  it('reads back every object, in order', () => {
    const objects = fc.array(
      fc.record(
        {
          label: fc.constantFrom('CERTIFICATE', 'PRIVATE KEY', 'X509 CRL'),
          der: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(objects, fc.boolean(), (blocks, carriageReturns) => {
        const text = blocks
          .map(({ label, der }) => `subject=x\n${encodePem(label, der).toString()}`)
          .join('')
        const file = Buffer.from(carriageReturns ? text.replaceAll('\n', '\r\n') : text)
        assert.deepEqual(decodePem(file), blocks)
      }),
    )
  })

  it('finds nothing in other text', () => {
    assert.deepEqual(decodePem(Buffer.from('no key here')), [])
    assert.deepEqual(decodePem(Buffer.alloc(0)), [])
  })

  it('refuses a file that is cut off at any byte after its first object has begun', () => {
    const file = encodePem('PRIVATE KEY', Buffer.alloc(48, 7))
    for (let length = '-----BEGIN '.length; length < file.length - 1; length++) {
      assert.equal(decodePem(file.subarray(0, length)), undefined)
    }
  })

  it('refuses damaged objects, mixed labels and the encryption of RFC 1421', () => {
    for (const text of [
      '-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END CERTIFICATE-----\n',
      '-----BEGIN PRIVATE KEY\nAAAA\n-----END PRIVATE KEY-----\n',
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
    ]) {
      assert.equal(decodePem(Buffer.from(text)), undefined, text)
    }
  })
})
