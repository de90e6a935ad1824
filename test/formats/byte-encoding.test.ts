import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { byteEncodings, decodeBytes, encodeBytes } from '../../src/formats/byte-encoding.ts'

const text = (value: string) => Buffer.from(value, 'latin1')

describe('byte encodings', () => {
  for (const encoding of byteEncodings) {
    it(`writes ${encoding} as Node does, off the heap, and reads it back`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const encoded = encodeBytes(bytes, encoding)
          const expected = encoding === 'raw' ? bytes : text(Buffer.from(bytes).toString(encoding))
          assert.deepEqual(encoded, Buffer.from(expected))
          assert.ok(encoded.buffer.byteLength > 64)
          assert.deepEqual(decodeBytes(encoded, encoding), Buffer.from(bytes))
        }),
      )
    })
  }

  it('reads no more than one text as the same bytes, whitespace, case and padding aside', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('A', 'Q', 'g', 'w', 'Z', '0', '-', '_', '='),
          maxLength: 12,
        }),
        (value) => {
          const bytes = decodeBytes(text(value), 'base64url')
          if (!bytes) return
          assert.equal(bytes.toString('base64url'), value.replace(/=+$/, ''))
        },
      ),
    )
  })

  it('skips whitespace in text, but not in raw bytes', () => {
    assert.deepEqual(decodeBytes(text(' 61\n62\r\n'), 'hex'), text('ab'))
    assert.deepEqual(decodeBytes(text('YW\nI=\n'), 'base64'), text('ab'))
    assert.deepEqual(decodeBytes(text('ab\n'), 'raw'), text('ab\n'))
  })

  it('reads hex in either case and both base64 alphabets', () => {
    assert.deepEqual(decodeBytes(text('fBfB'), 'hex'), Buffer.from([0xfb, 0xfb]))
    for (const value of ['-_-_', '+/+/']) {
      assert.deepEqual(decodeBytes(text(value), 'base64'), Buffer.from([0xfb, 0xff, 0xbf]))
    }
  })

  it('refuses what is no hex or base64', () => {
    for (const value of ['6', 'zz', '0x61', '6g', '-1']) {
      assert.equal(decodeBytes(text(value), 'hex'), undefined, value)
    }
    for (const value of [
      'Y',
      'YQ=',
      'YQ===',
      'YR==',
      'Y=Q=',
      'YWI==',
      '=',
      '====',
      'YW!i',
      'YW\xfc=',
    ]) {
      assert.equal(decodeBytes(text(value), 'base64'), undefined, value)
    }
  })
})
