import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Candidate, rotationSet } from '../../src/scheduler/rotation-set.ts'
import type { ScheduledMaterial } from '../../src/scheduler/scheduled-material.ts'
import { hour, inhabitant, minute, night } from './simulated-host.ts'

/** 03:10 in Berlin; the window is open until 05:00. */
const now = Date.parse('2027-01-10T02:10:00Z')

function candidate(
  name: string,
  rest: Partial<ScheduledMaterial> = {},
  { at = now, failures = 0 } = {},
): Candidate {
  const settings = { window: night, consumers: ['chat'], ...rest }
  const material = inhabitant(name, { every: '30d' }, settings)
  const window = rest.window === undefined && 'window' in rest ? {} : { window: 'night' }
  return { material, item: { at, material: name, action: 'rotate', ...window }, failures }
}

const lead = candidate('lead')

describe('rotationSet', () => {
  it('gathers what shares a consumer and is due before the window closes', () => {
    const others = [
      candidate('soon', {}, { at: now + hour }),
      candidate('tomorrow', {}, { at: now + 24 * hour }),
      candidate('both', { consumers: ['bot', 'chat'] }),
      candidate('elsewhere', { consumers: ['bot'] }),
      candidate('nobody', { consumers: [] }),
    ]
    assert.deepEqual(rotationSet(lead, others, now), ['lead', 'soon', 'both'])
  })

  it('does not reach over the end of the window', () => {
    const end = now + 110 * minute
    assert.deepEqual(rotationSet(lead, [candidate('a', {}, { at: end - 1 })], now), ['lead', 'a'])
    assert.deepEqual(rotationSet(lead, [candidate('a', {}, { at: end })], now), ['lead'])
  })

  it('gathers only what is due already where there is no window', () => {
    const free = candidate('free', { window: undefined as never })
    const late = candidate('late', { window: undefined as never }, { at: now - hour })
    const soon = candidate('soon', { window: undefined as never }, { at: now + minute })
    assert.deepEqual(rotationSet(free, [late, soon, lead], now), ['free', 'late'])
  })

  it('tries alone what failed before', () => {
    const failed = candidate('failed', {}, { failures: 1 })
    assert.deepEqual(rotationSet(lead, [failed, candidate('a')], now), ['lead', 'a'])
    assert.deepEqual(rotationSet(failed, [lead], now), ['failed'])
  })

  it('never puts together what must be kept apart, whichever of the two says so', () => {
    const row = candidate('row', { apart: ['key'] })
    const key = candidate('key')
    assert.deepEqual(rotationSet(row, [key, lead], now), ['row', 'lead'])
    assert.deepEqual(rotationSet(key, [row, lead], now), ['key', 'lead'])
    assert.deepEqual(rotationSet(lead, [row, key], now), ['lead', 'row'])
  })
})
