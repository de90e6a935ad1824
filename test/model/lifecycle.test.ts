import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canReactivate, transition } from '../../src/model/lifecycle.ts'

const states = ['prepared', 'active', 'retiring', 'withdrawn', 'destroyed'] as const
const events = ['activate', 'retire', 'withdraw', 'destroy', 'abandon', 'reactivate'] as const

describe('the lifecycle of a version', () => {
  it('has these transitions and no others', () => {
    const possible = states.flatMap((state) =>
      events.flatMap((event) => {
        try {
          return [`${state} ${event} ${transition(state, event)}`]
        } catch (error) {
          assert.ok(error instanceof RangeError)
          return []
        }
      }),
    )
    assert.deepEqual(possible, [
      'prepared activate active',
      'prepared abandon withdrawn',
      'active retire retiring',
      'active withdraw withdrawn',
      'retiring withdraw withdrawn',
      'retiring reactivate active',
      'withdrawn destroy destroyed',
      'withdrawn reactivate active',
    ])
  })

  it('gives nothing back that has leaked or is in use, new or gone', () => {
    const given = (compromised: boolean) =>
      states.filter((state) => canReactivate({ state, compromised }))
    assert.deepEqual(given(false), ['retiring', 'withdrawn'])
    assert.deepEqual(given(true), [])
  })
})
