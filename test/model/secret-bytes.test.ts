import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { SecretBytes } from '../../src/model/secret-bytes.ts'

describe('SecretBytes', () => {
  it('is printed, serialized and inspected without its bytes', () => {
    const secret = SecretBytes.fromText('do-not-leak')
    for (const text of [String(secret), JSON.stringify({ secret }), inspect({ secret })]) {
      assert.match(text, /\[secret\]/)
      assert.doesNotMatch(text, /do-not-leak/)
    }
  })

  it('copies, takes and wipes: each owner overwrites its own', () => {
    const [copied, taken] = [Buffer.from('copied'), Buffer.from('taken')]
    const [copy, owned] = [SecretBytes.copyOf(copied), SecretBytes.take(taken)]
    assert.deepEqual([copied.toString(), taken.every((byte) => byte === 0)], ['copied', true])
    const second = copy.copy()
    copy.wipe()
    assert.ok(copy.bytes.every((byte) => byte === 0))
    assert.equal(second.bytes.toString(), 'copied')
    assert.equal(owned.bytes.toString(), 'taken')
  })

  it('lies outside of the heap of V8, however short it is', () => {
    for (const length of [0, 1, 32, 64, 65, 500]) {
      const { bytes } = SecretBytes.copyOf(new Uint8Array(length))
      assert.equal(bytes.length, length)
      assert.ok(bytes.buffer.byteLength > 64, `${length} bytes`)
    }
  })

  it('equals the same bytes only', () => {
    const secret = SecretBytes.fromText('same')
    const others = ['same', 'sane', 'sam', ''].map((text) => SecretBytes.fromText(text))
    assert.deepEqual(
      others.map((other) => secret.equals(other)),
      [true, false, false, false],
    )
  })
})
