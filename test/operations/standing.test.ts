import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { standingOf } from '../../src/operations/standing.ts'
import type { MaterialView } from '../../src/operations/views.ts'
import { materialLike } from '../cli/fake-operations.ts'

const now = Date.parse('2027-01-01T00:00:00Z')

function severityOf(different: Partial<MaterialView>): string {
  return standingOf(materialLike({ name: 'it', ...different }), now).severity
}

describe('the standing of a material', () => {
  it('is fine while nothing is asked of anybody', () => {
    for (const state of ['idle', 'rotating', 'paused'] as const) {
      assert.equal(severityOf({ state }), 'ok')
    }
  })

  it('is critical where only a person can help', () => {
    assert.equal(severityOf({ state: 'needs_attention' }), 'critical')
    assert.equal(severityOf({ state: 'suspended' }), 'critical')
  })

  it('is critical once the version in use has expired, whatever the state', () => {
    const { active } = materialLike({ name: 'it' })
    assert.ok(active)
    const expired = { ...active, not_after: '2026-12-31T23:59:59.000Z' }
    const valid = { ...active, not_after: '2027-01-01T00:00:01.000Z' }
    assert.equal(severityOf({ active: expired }), 'critical')
    assert.equal(severityOf({ active: valid }), 'ok')
  })

  it('is a warning while it retries, awaits approval or drifts', () => {
    assert.equal(severityOf({ state: 'retrying' }), 'warning')
    assert.equal(severityOf({ state: 'awaiting_approval' }), 'warning')
    const drift = [{ where: 'target' as const, place: '/etc/key', detail: 'something else' }]
    assert.equal(severityOf({ drift }), 'warning')
  })

  it('is a warning when it has been due for more than an hour', () => {
    assert.equal(severityOf({ state: 'due', next_rotation: '2026-12-31T23:30:00Z' }), 'ok')
    assert.equal(severityOf({ state: 'due', next_rotation: '2026-12-31T22:00:00Z' }), 'warning')
  })

  it('is a warning when a pause has kept something due from being done for as long', () => {
    const paused = { state: 'paused' as const, reason: 'holiday' }
    assert.equal(severityOf({ ...paused, next_rotation: '2027-02-01T00:00:00Z' }), 'ok')
    const late = materialLike({ name: 'it', ...paused, next_rotation: '2026-12-31T22:00:00Z' })
    assert.deepEqual(standingOf(late, now), {
      severity: 'warning',
      problems: ['due, but paused: holiday'],
    })
  })

  it('gives what has a window the time for it to open', () => {
    const waiting = { state: 'due' as const, window: 'night' }
    assert.equal(severityOf({ ...waiting, next_rotation: '2026-12-25T00:00:00Z' }), 'ok')
    assert.equal(severityOf({ ...waiting, next_rotation: '2026-12-23T00:00:00Z' }), 'warning')
  })
})
