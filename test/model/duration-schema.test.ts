import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { durationSchema } from '../../src/model/duration-schema.ts'

describe('durationSchema', () => {
  it('reads the five units into milliseconds', () => {
    const read = ['90s', '15m', '6h', '30d', '2w'].map((text) => durationSchema.parse(text))
    assert.deepEqual(read, [90_000, 900_000, 21_600_000, 2_592_000_000, 1_209_600_000])
  })

  it('says what to write instead of anything else, once', () => {
    for (const input of ['', '0d', '01d', '1.5h', '-1d', '30 d', '1D', 'abc', '1e3s', 30, null]) {
      const { error } = durationSchema.safeParse(input)
      const messages = error?.issues.map(({ message }) => message)
      assert.deepEqual(messages, ['not a duration: use 90s 15m 6h 30d 2w'], String(input))
    }
  })
})
