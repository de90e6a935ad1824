import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Version } from '../../src/model/version.ts'
import {
  afterAttempt,
  approve,
  needsApproval,
  type Outcome,
  pause,
  resume,
  settle,
} from '../../src/scheduler/policy.ts'
import type { MaterialSchedule } from '../../src/store/schedule-state.ts'
import { day, hour, inhabitant, minute } from './simulated-host.ts'

const now = Date.parse('2027-01-10T12:00:00Z')
const monthly = inhabitant('token', { every: '30d' })
const blank: MaterialSchedule = { material: 'token', failures: 0, rollbacks: [] }

const active: Version = {
  material: 'token',
  number: 1,
  state: 'active',
  compromised: false,
  origin: 'adopted',
  fingerprint: 'hmac:00',
  attributes: {},
  createdAt: now,
  activeSince: now,
}

const outcome = (rest: Partial<Outcome>): Outcome => ({
  trigger: 'schedule',
  result: 'succeeded',
  blamed: true,
  alone: true,
  now,
  ...rest,
})

const settled = settle(monthly, blank, active, now)

describe('due', () => {
  it('is an interval after adoption, at most a twentieth earlier', () => {
    assert.ok(settled.due! <= now + 30 * day && settled.due! >= now + 28.5 * day)
    assert.equal(settled.lastRotation, undefined)
  })

  it('is the first date where one lies ahead, exactly', () => {
    const first = inhabitant('token', { every: '30d', first: '2027-01-15' })
    assert.equal(settle(first, blank, active, now).due, Date.parse('2027-01-15'))
    const past = inhabitant('token', { every: '30d', first: '2027-01-05' })
    assert.ok(settle(past, blank, active, now).due! > now + 28 * day)
  })

  it('is nowhere before there is a version', () => {
    assert.equal(settle(monthly, blank, undefined, now), blank)
  })

  it('stays when nothing changes, also after downtime', () => {
    assert.equal(settle(monthly, settled, active, now + 500 * day), settled)
  })

  it('is computed anew from the last rotation when the configuration changes', () => {
    const weekly = inhabitant('token', { every: '1w' })
    const rotated = { ...settled, lastRotation: now - 2 * day, approved: settled.due! }
    const { due, basis, approved } = settle(weekly, rotated, active, now)
    assert.ok(due! <= now + 5 * day && due! > now + 4.6 * day)
    assert.equal(basis, weekly.basis)
    assert.equal(approved, undefined)
  })

  it('is a date of the calendar to come when the configuration changes to one', () => {
    const cron = inhabitant('token', { cron: { at: '0 0 1 * *', timezone: 'UTC' } })
    const { due } = settle(cron, { ...settled, lastRotation: now - 300 * day }, active, now)
    assert.equal(due, Date.parse('2027-02-01'))
  })

  it('is an interval after each success and after a rollback by hand', () => {
    for (const trigger of ['schedule', 'manual', 'compromise', 'import', 'rollback'] as const) {
      const after = afterAttempt(monthly, settled, outcome({ trigger, now: now + day }), active)
      assert.ok(after.due! <= now + 31 * day && after.due! > now + 29 * day)
      assert.equal(after.lastRotation, now + day)
    }
  })

  it('is left alone by announcing, ending an overlap and applying again', () => {
    for (const trigger of ['announce', 'overlap-end', 'apply'] as const) {
      for (const result of ['succeeded', 'failed', 'rolled_back'] as const) {
        assert.deepEqual(
          afterAttempt(monthly, settled, outcome({ trigger, result }), active),
          settled,
        )
      }
    }
  })

  it('never goes back and moves only on success, over any history', () => {
    const results = ['succeeded', 'failed', 'rolled_back', 'applied_unproved', 'needs_attention']
    const step = fc.record({
      result: fc.constantFrom(...(results as Outcome['result'][])),
      wait: fc.integer({ min: 0, max: 40 * day }),
      blamed: fc.boolean(),
      alone: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        let state = settled
        let moment = now
        for (const { wait, ...rest } of steps) {
          moment += wait
          const next = afterAttempt(monthly, state, outcome({ ...rest, now: moment }), active)
          const applied = rest.result === 'succeeded' || rest.result === 'applied_unproved'
          assert.ok(applied ? next.due! > moment : next.due === state.due)
          // A manual rotation may come early: then the next is due earlier than an interval after the old due.
          if (applied) assert.ok(next.due! >= moment + 28.5 * day)
          assert.equal(
            next.failures === 0,
            applied || (!rest.blamed && state.failures === 0 && rest.result !== 'needs_attention'),
          )
          if (next.nextAttempt !== undefined) assert.ok(next.nextAttempt <= moment + day)
          state = next
        }
      }),
    )
  })

  it('is now for a version that has leaked, whatever the schedule says', () => {
    const leaked = { ...active, compromised: true }
    assert.equal(settle(monthly, settled, leaked, now + day).due, now + day)
    const never = inhabitant('token', 'on_compromise')
    assert.equal(settle(never, settle(never, blank, active, now), leaked, now + day).due, now + day)
    const late = { ...settled, due: now - day }
    assert.equal(settle(monthly, late, leaked, now), late)
  })

  it('rests after an issuer handed out what is due already', () => {
    const tls = inhabitant('tls', { before_expiry: '30d' })
    const expiring = { ...active, notBefore: now - 47 * day, notAfter: now + 8 * hour }
    assert.equal(afterAttempt(tls, blank, outcome({}), expiring).due, now + hour)
    const expired = { ...expiring, notAfter: now - hour }
    assert.equal(afterAttempt(tls, blank, outcome({}), expired).due, now + hour)
  })
})

describe('a failure', () => {
  const failed = afterAttempt(monthly, settled, outcome({ result: 'failed' }), active)

  it('is tried again after a minute or so, and due stays', () => {
    assert.equal(failed.due, settled.due)
    assert.ok(failed.nextAttempt! >= now + minute && failed.nextAttempt! <= now + 1.2 * minute)
    assert.equal(failed.failures, 1)
    assert.equal(failed.lastAttempt, now)
  })

  it('is tried at least every hour once expired, and never gives up', () => {
    const tls = inhabitant('tls', { before_expiry: '30d' })
    const expired = { ...active, notBefore: now - 47 * day, notAfter: now - day }
    const worn = { ...settled, failures: 1_000 }
    const next = afterAttempt(tls, worn, outcome({ result: 'failed' }), expired)
    assert.ok(next.nextAttempt! > now && next.nextAttempt! <= now + hour)
  })

  it('of somebody else in the set lets it go again at once', () => {
    const other = outcome({ result: 'rolled_back', blamed: false, alone: false })
    const next = afterAttempt(monthly, { ...settled, nextAttempt: now }, other, active)
    assert.deepEqual(next, { ...settled, lastAttempt: now })
  })

  it('that cannot be brought to an end waits for a person until it succeeds', () => {
    const stuck = afterAttempt(
      monthly,
      settled,
      outcome({ result: 'needs_attention', detail: 'both failed' }),
      active,
    )
    assert.equal(stuck.attention, 'both failed')
    assert.equal(
      afterAttempt(monthly, stuck, outcome({ trigger: 'apply' }), active).attention,
      undefined,
    )
    assert.equal(afterAttempt(monthly, stuck, outcome({}), active).attention, undefined)
  })
})

describe('suspension', () => {
  const rollBack = (state: MaterialSchedule, moment: number, alone = true) =>
    afterAttempt(monthly, state, outcome({ result: 'rolled_back', alone, now: moment }), active)

  it('comes with the second rollback within a day', () => {
    const once = rollBack(settled, now)
    assert.equal(once.suspended, undefined)
    assert.equal(rollBack(once, now + day - 1).suspended?.since, now + day - 1)
    assert.equal(rollBack(once, now + day).suspended, undefined)
  })

  it('does not come from rollbacks of a set, nor from attempts that changed nothing', () => {
    const inSet = rollBack(rollBack(settled, now, false), now + hour, false)
    assert.equal(inSet.suspended, undefined)
    assert.equal(inSet.failures, 2)
    const failed = outcome({ result: 'failed' })
    const twice = afterAttempt(
      monthly,
      afterAttempt(monthly, settled, failed, active),
      failed,
      active,
    )
    assert.equal(twice.suspended, undefined)
  })

  it('ends with success and when somebody resumes it', () => {
    const suspended = rollBack(rollBack(settled, now), now + hour)
    assert.equal(afterAttempt(monthly, suspended, outcome({}), active).suspended, undefined)
    const resumed = resume(suspended, now + day)
    assert.deepEqual(
      [resumed.suspended, resumed.failures, resumed.rollbacks.length],
      [undefined, 0, 0],
    )
    assert.equal(resumed.due, settled.due)
  })
})

describe('a pause', () => {
  const paused = pause(settled, { until: now + 40 * day, reason: 'holiday', who: 'cli:alice' })

  it('leaves due where it is', () => {
    assert.equal(paused.due, settled.due)
    assert.equal(settle(monthly, paused, active, now + 39 * day), paused)
  })

  it('moves what fell due meanwhile to its end', () => {
    const over = settle(monthly, paused, active, now + 41 * day)
    assert.deepEqual([over.due, over.paused], [now + 40 * day, undefined])
    assert.equal(resume(paused, now + 35 * day).due, now + 35 * day)
  })

  it('belongs to a person, and outlives what a person rotates meanwhile', () => {
    for (const result of ['succeeded', 'failed', 'rolled_back', 'needs_attention'] as const) {
      const byHand = outcome({ trigger: 'compromise', result, now: now + day })
      assert.equal(afterAttempt(monthly, paused, byHand, active).paused, paused.paused, result)
    }
  })

  it('moves nothing when it ends early', () => {
    assert.equal(resume(paused, now + day).due, settled.due)
  })
})

describe('an approval', () => {
  const asking = inhabitant('token', { every: '30d' }, { approval: true })

  it('holds for the one due date it was given for', () => {
    assert.equal(needsApproval(asking, settled, 'rotate'), true)
    assert.equal(needsApproval(monthly, settled, 'rotate'), false)
    assert.equal(needsApproval(monthly, settled, 'approve'), true)
    const approved = approve(settled)
    assert.equal(needsApproval(asking, approved, 'rotate'), false)
    const failed = afterAttempt(asking, approved, outcome({ result: 'failed' }), active)
    assert.equal(needsApproval(asking, failed, 'rotate'), false)
    const done = afterAttempt(asking, approved, outcome({}), active)
    assert.equal(needsApproval(asking, done, 'rotate'), true)
  })

  it('goes along with due at the end of a pause', () => {
    const paused = pause(approve(settled), { reason: 'move', who: 'cli:alice' })
    assert.equal(needsApproval(asking, resume(paused, now + 60 * day), 'rotate'), false)
  })
})
