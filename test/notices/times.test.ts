import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { spoken, spokenSpan } from '../../src/notices/times.ts'

const at = (text: string) => Date.parse(text)

describe('a moment as people say it', () => {
  const evening = at('2027-01-14T18:00:00Z')

  it('is in the zone of the window', () => {
    const moment = at('2027-01-15T02:00:00Z')
    assert.equal(spoken(moment, evening, 'Europe/Berlin'), 'tonight 03:00')
    assert.equal(spoken(moment, evening, 'America/New_York'), 'tonight 21:00')
    assert.equal(spoken(moment, evening, 'Asia/Tokyo'), 'today 11:00')
  })

  it('names the day from the day after tomorrow on', () => {
    assert.equal(spoken(at('2027-01-14T19:30:00Z'), evening), 'today 19:30')
    assert.equal(spoken(at('2027-01-14T22:30:00Z'), evening), 'tonight 22:30')
    assert.equal(spoken(at('2027-01-15T09:00:00Z'), evening), 'tomorrow 09:00')
    assert.equal(spoken(at('2027-01-16T03:00:00Z'), evening), 'Sat 16 Jan 03:00')
  })

  it('is right on the night of a clock change', () => {
    const eve = at('2027-03-27T18:00:00Z')
    const [start, end] = [at('2027-03-28T00:30:00Z'), at('2027-03-28T02:30:00Z')]
    assert.equal(spokenSpan(start, end, eve, 'Europe/Berlin'), 'tonight 01:30–04:30')
  })

  it('names the day of an end that is far away', () => {
    const [start, end] = [at('2027-01-16T03:00:00Z'), at('2027-01-18T04:00:00Z')]
    assert.equal(spokenSpan(start, end, evening), 'Sat 16 Jan 03:00–Mon 18 Jan 04:00')
    assert.equal(spokenSpan(start, start + 7_200_000, evening), 'Sat 16 Jan 03:00–05:00')
  })
})
