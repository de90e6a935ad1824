import type { Version } from '../model/version.ts'
import type { Engine } from '../rotation/engine.ts'
import type { Inspected } from '../rotation/inspection.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { ScheduleState } from '../store/schedule-state.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { DescribedMaterial, Planner } from './described.ts'
import { formatFinding } from './finding.ts'
import type { MaterialView, TargetView, VersionView } from './views.ts'

/** What a view is made from. */
export interface ViewSources {
  readonly engine: Engine
  readonly keys: KeyStore
  readonly schedule: ScheduleState
  readonly planner: Planner
}

/** One material as `status` and the API show it. */
export function materialView(described: DescribedMaterial, sources: ViewSources): MaterialView {
  const { engine, keys, schedule, planner } = sources
  const { name } = described
  const versions = keys.list(name)
  const active = versions.find(({ state }) => state === 'active')
  const retiring = versions.find(({ state }) => state === 'retiring')
  const kept = versions.find(({ keepUntil, state }) => keepUntil && state !== 'destroyed')
  const state = schedule.get(name)
  const { state: shown, reason } = planner.state(name)
  return {
    name,
    kind: described.kind,
    state: engine.isRotating(name) ? 'rotating' : shown,
    ...(reason !== undefined && { reason }),
    schedule: described.schedule,
    ...(described.window !== undefined && { window: described.window }),
    ...instants({
      next_rotation: state.due,
      next_attempt: state.nextAttempt,
      last_rotation: state.lastRotation,
      last_attempt: state.lastAttempt,
      overlap_until: retiring?.overlapUntil,
      keep_until: kept?.keepUntil,
    }),
    consecutive_failures: state.failures,
    ...(active && { active: versionView(active) }),
    versions: versions.map(versionView),
    targets: targetViews(described, engine.inspections.last(name)),
    consumers: described.consumers,
    drift: engine.inspections.drift(name),
    ...(state.paused && {
      paused: {
        ...instants({ until: state.paused.until }),
        reason: state.paused.reason,
        who: state.paused.who,
      },
    }),
    ...(described.impact !== undefined && { impact: described.impact }),
    ...(described.contains.length > 0 && { contains: described.contains }),
  }
}

export function versionView(version: Version): VersionView {
  return {
    version: version.number,
    state: version.state,
    compromised: version.compromised,
    origin: version.origin,
    fingerprint: version.fingerprint,
    attributes: version.attributes,
    created: instant(version.createdAt),
    ...instants({
      not_before: version.notBefore,
      not_after: version.notAfter,
      overlap_until: version.overlapUntil,
      keep_until: version.keepUntil,
    }),
  }
}

/** The configured targets with what they were last seen to hold. */
export function targetViews(
  described: DescribedMaterial,
  inspected: readonly Inspected[],
): readonly TargetView[] {
  return described.targets.map((target, index) => {
    const found = inspected[index]
    return { ...target, live: found ? formatFinding(found.finding) : 'not inspected' }
  })
}

/** Epoch milliseconds. @param called what it is, for the message @throws OperatorError `usage` */
export function momentOf(time: string, called: string): number {
  const moment = Date.parse(time)
  if (!Number.isNaN(moment)) return moment
  throw new OperatorError(`${called} is no RFC 3339 time`, { kind: 'usage' })
}

/** RFC 3339 UTC. */
export function instant(moment: number): string {
  return new Date(moment).toISOString()
}

/** The moments that are known, as RFC 3339 UTC; an unknown one is left out, never shown as 0. */
export function instants<K extends string>(
  moments: Readonly<Record<K, number | undefined>>,
): { readonly [Name in K]?: string } {
  const known = Object.entries<number | undefined>(moments).flatMap(([name, moment]) =>
    moment === undefined ? [] : [[name, instant(moment)]],
  )
  return Object.fromEntries(known) as { readonly [Name in K]?: string }
}
