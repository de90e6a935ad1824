import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closest, suggestion } from '../../src/config/closest.ts'

const keys = ['rotate', 'targets', 'consumers', 'verify', 'certificate', 'key', 'keep']

describe('closest', () => {
  const meant: Readonly<Record<string, string | undefined>> = {
    roate: 'rotate',
    rotaet: 'rotate',
    Rotate: 'rotate',
    target: 'targets',
    verfiy: 'verify',
    cert: 'certificate',
    keeps: 'keep',
    window: undefined,
    x: undefined,
    '': undefined,
  }
  for (const [word, key] of Object.entries(meant)) {
    it(`takes \`${word}\` for ${key ?? 'nothing it knows'}`, () => {
      assert.equal(closest(word, keys), key)
    })
  }

  it('does not look at words too long to be typing errors', () => {
    assert.equal(closest('rotate'.repeat(20_000), keys), undefined)
  })

  it('lists what there is where nothing is near', () => {
    assert.equal(suggestion('zzz', ['a', 'b']), '; known here: a, b')
    assert.equal(suggestion('zzz', []), '')
  })
})
