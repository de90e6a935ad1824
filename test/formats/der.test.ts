import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { element, integer, objectIdentifier, readElements } from '../../src/formats/der.ts'

describe('DER', () => {
  it('reads the elements that it wrote, whatever their length', () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 })
    fc.assert(
      fc.property(contents, (contents) => {
        const bytes = Buffer.concat(contents.map((content) => element(0x04, content)))
        const read = readElements(bytes)
        assert.deepEqual(
          read,
          contents.map((content) => ({ tag: 0x04, content: Buffer.from(content) })),
        )
      }),
    )
    const long = Buffer.alloc(70_000, 1)
    assert.deepEqual(readElements(element(0x30, long)), [{ tag: 0x30, content: long }])
  })

  it('takes nothing that is cut off', () => {
    const whole = element(0x30, Buffer.alloc(300))
    for (let length = 1; length < whole.length; length++) {
      assert.equal(readElements(whole.subarray(0, length)), undefined)
    }
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const read = readElements(Buffer.from(bytes)) ?? []
        assert.ok(read.reduce((sum, { content }) => sum + content.length, 0) <= bytes.length)
      }),
    )
  })

  it('writes integers and object identifiers in their shortest form', () => {
    const integers = {
      0: '020100',
      127: '02017f',
      128: '02020080',
      2048: '02020800',
      65_536: '0203010000',
    }
    for (const [value, hex] of Object.entries(integers)) {
      assert.equal(integer(Number(value)).toString('hex'), hex)
    }
    assert.equal(objectIdentifier('1.2.840.113549.1.7.1').toString('hex'), '06092a864886f70d010701')
  })
})
