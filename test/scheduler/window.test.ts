import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSchedule, rotateSchema } from '../../src/scheduler/catalog.ts'
import { Window, whyUnsatisfiable, windowSchema } from '../../src/scheduler/window.ts'

const day = 86_400_000
const from = Date.parse('2027-01-10T12:00:00Z')

const window = (cron: string, duration: string, timezone = 'Europe/Berlin') =>
  new Window('night', windowSchema.parse({ cron, duration, timezone }))

const iso = (moment: number | undefined) => moment && new Date(moment).toISOString().slice(0, 16)

describe('a window', () => {
  it('contains its first moment and not its last', () => {
    const night = window('0 3 * * *', '2h', 'UTC')
    const at = (text: string) => night.contains(Date.parse(`2027-01-10T${text}Z`))
    assert.deepEqual(['02:59:59.999', '03:00:00', '04:59:59.999', '05:00:00'].map(at), [
      false,
      true,
      true,
      false,
    ])
  })

  it('contains a moment on the next day when it opened before midnight', () => {
    const late = window('30 23 * * *', '2h', 'UTC')
    const occurrence = late.currentOccurrence(Date.parse('2027-01-11T01:00:00Z'))
    assert.deepEqual(
      [iso(occurrence?.start), iso(occurrence?.end)],
      ['2027-01-10T23:30', '2027-01-11T01:30'],
    )
  })

  // Berlin: on 28 March 2027 02:00 is 03:00, on 31 October 03:00 is 02:00 once more.
  const transitions: readonly [string, string, string, string, readonly string[]][] = [
    [
      'over the skipped hour',
      '0 1 * * *',
      '2h',
      '2027-03-27T12:00Z',
      ['03-28T00:00', '03-28T23:00'],
    ],
    [
      'inside the skipped hour',
      '30 2 * * *',
      '20m',
      '2027-03-27T12:00Z',
      ['03-28T01:00', '03-29T00:30'],
    ],
    [
      'after the skipped hour',
      '0 3 * * *',
      '2h',
      '2027-03-27T12:00Z',
      ['03-28T01:00', '03-29T01:00'],
    ],
    [
      'inside the doubled hour',
      '30 2 * * *',
      '20m',
      '2027-10-30T12:00Z',
      ['10-31T00:30', '11-01T01:30'],
    ],
    [
      'inside the skipped hour, and again later',
      '30 2,14 * * *',
      '20m',
      '2027-03-27T14:00Z',
      ['03-28T01:00', '03-28T12:30'],
    ],
    [
      'over the doubled hour',
      '0 2 * * *',
      '3h',
      '2027-10-30T12:00Z',
      ['10-31T00:00', '11-01T01:00'],
    ],
    [
      'after the doubled hour',
      '0 3 * * *',
      '2h',
      '2027-10-30T12:00Z',
      ['10-31T02:00', '11-01T02:00'],
    ],
  ]
  for (const [name, cron, duration, after, starts] of transitions) {
    it(`opens once ${name}`, () => {
      const opens = window(cron, duration)
      const first = opens.nextStart(Date.parse(after))
      assert.deepEqual(
        [iso(first), iso(opens.nextStart(first!))],
        starts.map((start) => `2027-${start}`),
      )
      assert.deepEqual(opens.currentOccurrence(first!)?.start, first)
    })
  }

  it('is as long as it says on the night of a clock change', () => {
    for (const night of ['2027-03-27T12:00Z', '2027-10-30T12:00Z']) {
      const opens = window('0 1 * * *', '3h')
      const start = opens.nextStart(Date.parse(night))!
      assert.deepEqual(opens.currentOccurrence(start + day / 8 - 1)?.start, start)
      assert.equal(opens.contains(start + day / 8), false)
    }
  })

  it('is closed in the second half of the doubled hour', () => {
    const opens = window('30 2 * * *', '20m')
    assert.equal(opens.contains(Date.parse('2027-10-31T00:40Z')), true)
    assert.equal(opens.contains(Date.parse('2027-10-31T01:40Z')), false)
  })

  it('knows how long it stays closed', () => {
    assert.equal(window('0 3 * * *', '2h', 'UTC').longestGap(from), 22 * 3_600_000)
    assert.ok(window('0 3 * 1-6 *', '2h').longestGap(from) > 180 * day)
    assert.ok(window('0 3 29 2 *', '2h').longestGap(from) > 365 * day)
    assert.equal(window('0 * * * *', '2h').longestGap(from), 0)
  })
})

describe('whyUnsatisfiable', () => {
  const why = (cron: string, duration: string, rotate: unknown) =>
    whyUnsatisfiable(window(cron, duration), createSchedule(rotateSchema.parse(rotate)), from)

  it('refuses a window that never opens, whatever the schedule', () => {
    for (const rotate of ['on_compromise', { every: '30d' }]) {
      assert.match(why('0 0 30 2 *', '2h', rotate) ?? '', /night never opens/)
    }
  })

  it('refuses a window that comes round less often than the schedule can wait', () => {
    const weekly = ['0 3 * * SUN', '2h'] as const
    assert.match(why(...weekly, { every: '1d' }) ?? '', /closed for up to 7d, .*"every 24h"/)
    assert.match(why(...weekly, { before_expiry: '3d' }) ?? '', /3d before expiry/)
    assert.match(why('0 3 * 1-6 *', '2h', { every: '90d' }) ?? '', /can wait/)
    assert.match(why('0 3 * * *', '2h', { every: '6h' }) ?? '', /can wait/)
  })

  it('accepts what is met in time', () => {
    assert.equal(why('0 3 * * *', '2h', { every: '1d' }), undefined)
    assert.equal(why('0 3 * * SUN', '2h', { before_expiry: '30d' }), undefined)
    assert.equal(why('0 3 1 * *', '2h', 'on_change'), undefined)
    assert.equal(why('0 3 1 1 *', '2h', { every: '366d' }), undefined)
  })
})
