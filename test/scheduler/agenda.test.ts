import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Version } from '../../src/model/version.ts'
import { agenda, type Standing } from '../../src/scheduler/agenda.ts'
import { createSchedule, rotateSchema } from '../../src/scheduler/catalog.ts'
import { Window } from '../../src/scheduler/window.ts'

const now = Date.parse('2027-01-15T12:00:00Z')
const hour = 3_600_000

const active: Version = {
  material: 'token',
  number: 2,
  state: 'active',
  compromised: false,
  origin: 'generated',
  fingerprint: 'hmac:00',
  attributes: {},
  createdAt: now - 24 * hour,
}
const withdrawn: Version = { ...active, number: 1, state: 'withdrawn', keepUntil: now - hour }

/** A token that is due at noon, whose window opens at night. */
function standing(
  changed: Partial<Standing> = {},
  state: Partial<Standing['state']> = {},
): Standing {
  const night = { cron: '0 3 * * *', duration: 2 * hour, timezone: 'UTC' }
  return {
    material: {
      name: 'token',
      schedule: createSchedule(rotateSchema.parse({ every: '30d' })),
      basis: '',
      window: new Window('night', night),
      consumers: [],
      approval: false,
    },
    state: { material: 'token', failures: 0, rollbacks: [], due: now, ...state },
    versions: [active, withdrawn],
    mode: 'rotate',
    now,
    doubt: 0,
    ...changed,
  }
}

const at = (item: Standing, action: string) => agenda(item).find((one) => one.action === action)?.at

describe('agenda', () => {
  it('waits for the window, and destroys what nobody keeps', () => {
    assert.equal(at(standing(), 'rotate'), Date.parse('2027-01-16T03:00:00Z'))
    assert.equal(at(standing(), 'destroy'), now)
  })

  it('waits neither for a window nor for approval to replace what has leaked', () => {
    const leaked = { ...active, compromised: true }
    const { material } = standing()
    const asks = { versions: [leaked], material: { ...material, approval: true } }
    assert.equal(at(standing(asks), 'rotate'), now)
    assert.equal(at(standing({ material: asks.material }), 'rotate'), undefined)
  })

  it('ends the overlap of what has leaked without waiting for its end or a window', () => {
    const retiring: Version = { ...withdrawn, state: 'retiring', overlapUntil: now + hour }
    assert.equal(
      at(standing({ versions: [active, retiring] }), 'end-overlap'),
      Date.parse('2027-01-16T03:00:00Z'),
    )
    const leaked = { ...retiring, compromised: true }
    assert.equal(at(standing({ versions: [active, leaked], doubt: hour }), 'end-overlap'), now)
  })

  it('destroys nothing that clients may still use or that is in use, whatever it is kept until', () => {
    for (const state of ['prepared', 'active', 'retiring', 'destroyed'] as const) {
      const versions: Version[] = [{ ...withdrawn, state }]
      assert.equal(at(standing({ versions }), 'destroy'), undefined, state)
    }
  })

  it('neither rotates nor destroys anything while a person is needed', () => {
    assert.deepEqual(agenda(standing({}, { attention: 'drift: somebody edited it' })), [])
  })
})
