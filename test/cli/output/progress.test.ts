import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { progressLine } from '../../../src/cli/output/progress.ts'

const line = (done: number, total: number, place = '/srv/chat.db') =>
  progressLine({
    step: 'activate',
    material: 'db-key',
    place,
    doing: 're-encrypting',
    done,
    total,
    unit: 'bytes',
  })

describe('a line of progress', () => {
  it('counts in the unit of the whole', () => {
    assert.equal(line(0, 900), 're-encrypting chat.db: 0 of 900 B, 0 %')
    assert.equal(line(999_999, 1_000_000), 're-encrypting chat.db: 1.0 of 1.0 MB, 99 %')
    assert.equal(line(12_300_000, 99_840_000), 're-encrypting chat.db: 12.3 of 99.8 MB, 12 %')
    assert.equal(line(2e15, 4e15), 're-encrypting chat.db: 2000.0 of 4000.0 TB, 50 %')
  })

  it('shows no numbers of a nothing', () => {
    assert.equal(line(0, 0), 're-encrypting chat.db (0 B)')
  })

  it('fits on one row, and moves no cursor', () => {
    const shown = line(1_000, 123_456_789_012, `/srv/${'a\r\u001b[2J'.repeat(50)}.db`)
    assert.ok(shown.length < 80, shown)
    assert.doesNotMatch(shown, /\p{Cc}/u)
  })
})
