import type { MaterialReading, Readings } from '../metrics/reading.ts'
import type { MaterialState } from '../model/material.ts'
import { type Version, type VersionState, versionStates } from '../model/version.ts'
import type { Engine } from '../rotation/engine.ts'
import { alertLead } from '../scheduler/material-state.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import type { AssembledMaterial } from './materials.ts'

interface ReadingParts {
  readonly materials: readonly AssembledMaterial[]
  readonly store: Store
  readonly engine: Engine
  readonly clock: Clock
  readonly state: (material: string) => MaterialState
}

/** What a scrape reads of every material. */
export function materialReadings({
  materials,
  store,
  engine,
  clock,
  state,
}: ReadingParts): ReturnType<Readings['materials']> {
  return materials.map(({ described: { name, kind }, scheduled }): MaterialReading => {
    const versions = store.keys.list(name)
    const active = versions.find((version) => version.state === 'active')
    const overlapUntil = versions.find((version) => version.state === 'retiring')?.overlapUntil
    return {
      name,
      kind,
      state: engine.isRotating(name) ? 'rotating' : state(name),
      schedule: store.schedule.get(name),
      ...(active && { active }),
      ...(overlapUntil !== undefined && { overlapUntil }),
      versions: countStates(versions),
      drift: { target: engine.inspections.drift(name).length > 0, consumer: false },
      alertLead: alertLead(scheduled, active, clock.now()),
    }
  })
}

function countStates(versions: readonly Version[]): Readonly<Record<VersionState, number>> {
  const counts = Object.fromEntries(versionStates.map((state) => [state, 0])) as Record<
    VersionState,
    number
  >
  for (const { state } of versions) counts[state] += 1
  return counts
}
