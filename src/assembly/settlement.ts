import type { Outcome } from '../rotation/outcome.ts'
import { afterAttempt } from '../scheduler/policy.ts'
import type { Store } from '../store/store.ts'
import type { AssembledMaterial } from './materials.ts'

/** What follows from an outcome for the schedule of its material. */
export function settlement(materials: readonly AssembledMaterial[], { schedule }: Store) {
  const byName = new Map(materials.map(({ scheduled }) => [scheduled.name, scheduled]))
  return (outcome: Outcome) => {
    const state = schedule.get(outcome.material)
    const material = byName.get(outcome.material)
    return material ? afterAttempt(material, state, outcome, outcome.active) : state
  }
}
