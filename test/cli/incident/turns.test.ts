import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { turnsOf } from '../../../src/cli/incident/turns.ts'
import type { MaterialView } from '../../../src/operations/views.ts'
import { materialLike } from '../fake-operations.ts'

const since = Date.parse('2027-01-01T12:00:00Z')

function made(name: string, time: string, different: Partial<MaterialView> = {}): MaterialView {
  const { active } = materialLike({ name })
  assert.ok(active)
  const created = `2027-01-01T${time}:00.000Z`
  return materialLike({ name, active: { ...active, created }, ...different })
}

const left = (...materials: MaterialView[]) =>
  turnsOf(materials, since).flatMap(({ material, replaced }) => (replaced ? [] : [material.name]))

describe('what an incident still has to replace', () => {
  it('is what was made before it began', () => {
    assert.deepEqual(left(made('old', '11:59'), made('fresh', '12:00')), ['old'])
  })

  it('is what has leaked since, and what has no version at all', () => {
    const { active, ...unmade } = made('unmade', '12:30')
    assert.ok(active)
    const leaked = made('leaked', '12:30', { active: { ...active, compromised: true } })
    assert.deepEqual(left(unmade, leaked), ['unmade', 'leaked'])
  })

  it('is what was made while the key that holds it had leaked', () => {
    const holds = { contains: ['inside'] }
    const inside = made('inside', '12:30')
    assert.deepEqual(left(made('db-key', '12:10', holds), inside), [])
    assert.deepEqual(left(made('db-key', '12:50', holds), inside), ['inside'])
    assert.deepEqual(left(made('db-key', '11:00', holds), inside), ['db-key', 'inside'])
  })

  it('goes through everything that holds it', () => {
    const disk = made('disk-key', '12:50', { contains: ['db-key'] })
    const db = made('db-key', '12:10', { contains: ['inside'] })
    assert.deepEqual(left(made('inside', '12:30'), db, disk), ['db-key', 'inside'])
  })

  it('ends also where things hold each other', () => {
    const [a, b] = [['b'], ['a']].map((contains, index) =>
      made('ab'[index]!, '12:30', { contains }),
    )
    assert.ok(a && b)
    assert.deepEqual(left(a, b), ['a', 'b'])
  })
})
