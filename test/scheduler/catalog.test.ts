import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import type { Version } from '../../src/model/version.ts'
import { createSchedule, rotateSchema } from '../../src/scheduler/catalog.ts'
import type { Schedule } from '../../src/scheduler/schedule.ts'

const day = 86_400_000
const now = Date.parse('2027-01-10T12:00:00Z')

const schedule = (rotate: unknown): Schedule => createSchedule(rotateSchema.parse(rotate))

function certificate(days: number): Version {
  return {
    material: 'tls',
    number: 1,
    state: 'active',
    compromised: false,
    origin: 'generated',
    fingerprint: 'sha256:00',
    attributes: {},
    createdAt: now,
    notBefore: now,
    notAfter: now + days * day,
  }
}

describe('rotate', () => {
  it('is due one interval after the last rotation', () => {
    assert.equal(schedule({ every: '30d' }).nextAfter(now, undefined), now + 30 * day)
    assert.equal(schedule({ every: '30d' }).first, undefined)
  })

  it('is due at its first date, which is midnight UTC or a moment', () => {
    assert.equal(schedule({ every: '30d', first: '2027-01-15' }).first, Date.parse('2027-01-15'))
    const moment = '2027-01-15T03:00:00+01:00'
    assert.equal(schedule({ every: '30d', first: moment }).first, Date.parse(moment))
  })

  it('is due when the calendar says so', () => {
    const cron = schedule({ cron: { at: '30 4 1 * *', timezone: 'Europe/Berlin' } })
    assert.equal(cron.nextAfter(now, undefined), Date.parse('2027-02-01T03:30:00Z'))
  })

  it('is due so long before expiry, but never more than a third of the lifetime', () => {
    const due = schedule({ before_expiry: '30d' })
    assert.equal(due.nextAfter(now, certificate(365)), now + 335 * day)
    assert.equal(due.nextAfter(now, certificate(47)), now + 47 * day - (47 * day) / 3)
    assert.equal(due.nextAfter(now, certificate(6)), now + 4 * day)
    assert.equal(due.nextAfter(now, undefined), undefined)
    assert.equal(due.nextAfter(now, { ...certificate(9), notAfter: undefined } as never), undefined)
  })

  it('is never due by itself on change, on compromise and for a plain watch', () => {
    for (const word of ['on_change', 'on_compromise', 'watch']) {
      assert.equal(schedule(word).nextAfter(now, certificate(9)), undefined)
    }
    assert.equal(schedule('on_compromise').poll, undefined)
    assert.ok(schedule('on_change').poll)
    assert.ok(schedule('watch').poll)
  })

  it('expects a watched consumer to rotate, with a tenth as grace', () => {
    const watch = schedule({ watch: { expect: '30d' } })
    assert.equal(watch.nextAfter(now, undefined), now + 30 * day)
    assert.deepEqual(watch.watches, { grace: 3 * day })
    assert.deepEqual(schedule({ watch: { expect: '30d', grace: '1d' } }).watches, { grace: day })
  })

  const mistakes: readonly [unknown, string, string][] = [
    [{ every: '30x' }, 'every', 'not a duration: use 90s 15m 6h 30d 2w'],
    [{ every: 30 }, 'every', 'not a duration: use 90s 15m 6h 30d 2w'],
    [{ every: '30d', frist: '2027-01-15' }, 'frist', 'unknown key "frist"'],
    [{ every: '30d', first: 'soon' }, 'first', 'not a date: use 2027-01-15, or with'],
    [{ every: '30d', first: '2027-02-30' }, 'first', 'not a date: use 2027-01-15, or with'],
    [{ every: '30d', before_expiry: '30d' }, 'before_expiry', 'unknown key "before_expiry"'],
    [{ cron: { at: '0 3 * * *' } }, 'cron.timezone', 'name a time zone'],
    [{ cron: { at: '0 3 * * *', timezone: 'Mars/X' } }, 'cron.timezone', 'not an IANA time zone'],
    [{ cron: { at: '61 * * * *', timezone: 'UTC' } }, 'cron.at', 'not a cron expression'],
    [{ cron: { at: '0 0 3 * * *', timezone: 'UTC' } }, 'cron.at', 'not a cron expression'],
    [{ cron: { at: '0 0 30 2 *', timezone: 'UTC' } }, 'cron.at', 'this date never comes'],
    [{ watch: { expect: 'often' } }, '', 'not a watch: use watch, or watch: {'],
    [{ evry: '30d' }, '', 'not a schedule: use one of every, cron, before_expiry'],
    ['on_chang', '', 'not a schedule: use one of every, cron, before_expiry'],
    ['toString', '', 'not a schedule: use one of every, cron, before_expiry'],
    [null, '', 'not a schedule: use one of every, cron, before_expiry'],
    [[], '', 'not a schedule: use one of every, cron, before_expiry'],
  ]
  for (const [input, path, message] of mistakes) {
    it(`says one thing about ${JSON.stringify(input)}, at its place`, () => {
      const issues = rotateSchema.safeParse(input).error?.issues ?? []
      assert.equal(issues.length, 1)
      assert.equal(issues[0]?.path.join('.'), path)
      assert.ok(issues[0]?.message.startsWith(message), issues[0]?.message)
    })
  }

  it('has a JSON Schema in which everything is described', () => {
    const text = JSON.stringify(z.toJSONSchema(rotateSchema, { io: 'input', target: 'draft-7' }))
    for (const word of ['every', 'first', 'cron', 'before_expiry', 'on_change', 'grace']) {
      assert.ok(text.includes(`"${word}"`), word)
    }
  })
})
