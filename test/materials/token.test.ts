import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import { token } from '../../src/materials/token.ts'
import type { Format } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'

const signal = new AbortController().signal
const make = (options: object = {}) =>
  token.create(token.schema.parse(options), kindContext) as MadeHere
const find = (bytes: string | Buffer, format: Format = 'raw'): Found => ({
  part: 'token',
  format,
  bytes: SecretBytes.copyOf(Buffer.from(bytes)),
  place: 'file /token',
})
const textOf = async (options: object) => {
  const { parts } = await make(options).generate({ material: 'auth', now: 0 }, signal)
  return String(parts['token']?.bytes)
}

const alphabets = {
  base64url: /^[A-Za-z0-9_-]{43}$/,
  base64: /^[A-Za-z0-9+/]{43}=$/,
  hex: /^[0-9a-f]{64}$/,
  alphanumeric: /^[A-Za-z0-9]{43}$/,
}
for (const [alphabet, pattern] of Object.entries(alphabets)) {
  describeKind(`token (${alphabet})`, () => make({ alphabet }))
  describe(`token (${alphabet})`, () => {
    it('is text of that alphabet with 256 bit', async () => {
      assert.match(await textOf({ alphabet }), pattern)
    })
  })
}

describe('token', () => {
  it('refuses less than 128 bit in a sentence', () => {
    for (const bytes of [15, 0, -1, 16.5, 2000]) {
      assert.equal(token.schema.safeParse({ bytes }).success, false)
    }
    const [issue] = token.schema.safeParse({ bytes: 15 }).error!.issues
    assert.equal(issue?.message, 'a token needs at least 16 bytes (128 bit), or it can be guessed')
  })

  it('has at least the strength asked for in every alphabet', async () => {
    assert.equal((await textOf({ bytes: 16, alphabet: 'alphanumeric' })).length, 22)
    assert.equal((await textOf({ bytes: 16, alphabet: 'base64url' })).length, 22)
    assert.equal((await textOf({ bytes: 48, alphabet: 'hex' })).length, 96)
  })

  it('adopts the text in use, without the line end of its file', async () => {
    for (const [bytes, format, text] of [
      ['devtoken', 'raw', 'devtoken'],
      ['devtoken\n', 'raw', 'devtoken'],
      ['devtoken\r\n', 'raw', 'devtoken'],
      [' pass "with" $igns é ', 'raw', ' pass "with" $igns é '],
      ['ZGV2dG9rZW4=\n', 'base64', 'devtoken'],
    ] as const) {
      const { parts, attributes } = await make().adopt!([find(bytes, format)], 'auth')
      assert.equal(String(parts['token']?.bytes), text)
      assert.deepEqual(attributes, { bits: 'unknown' })
    }
  })

  it('refuses what is empty, has several lines or is no text', async () => {
    for (const bytes of ['', '\n', 'a\nb', 'a\n\n', 'a\0', Buffer.from([0x61, 0xff])]) {
      await assert.rejects(async () => make().adopt?.([find(bytes)], 'auth'), {
        name: 'OperatorError',
        message: 'file /token: what is there is no token in the format raw',
      })
    }
  })
})
