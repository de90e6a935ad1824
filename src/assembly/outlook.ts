import type { Config } from '../config/config.ts'
import { canReactivate } from '../model/lifecycle.ts'
import type { Rotation, Trigger } from '../model/rotation.ts'
import type { MaterialOutlook, Outlook, Planned, Replaced } from '../notices/outlook.ts'
import type { Engine } from '../rotation/engine.ts'
import { restartsAtOverlapEnd, restartsOf } from '../rotation/restarts.ts'
import { alertLead } from '../scheduler/material-state.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import type { Upcoming } from '../scheduler/upcoming.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import type { AssembledMaterial } from './materials.ts'

const day = 86_400_000
/** What took the place of another version, rather than giving one back or writing it again. */
const replacing: readonly Trigger[] = ['schedule', 'manual', 'import', 'compromise', 'recovery']

export interface OutlookParts {
  readonly config: Config
  readonly materials: readonly AssembledMaterial[]
  readonly store: Pick<Store, 'keys' | 'journal' | 'schedule'>
  readonly engine: Engine
  readonly scheduler: Scheduler
  readonly clock: Clock
}

/** What notices are decided from, read at this moment. */
export function outlookOf(parts: OutlookParts): Omit<Outlook, 'trouble'> {
  const { materials, scheduler, clock, config } = parts
  const { before } = config.notices ?? {}
  const longest = Math.max(0, ...config.windows.map(({ duration }) => duration))
  const ahead = before === undefined ? [] : scheduler.upcoming((before + longest) / day)
  const plans = Map.groupBy(ahead, ({ material }) => material)
  const now = clock.now()
  return {
    now,
    materials: materials.map((material) =>
      materialOutlook(material, plans.get(material.scheduled.name) ?? [], parts, now),
    ),
  }
}

function materialOutlook(
  material: AssembledMaterial,
  plan: readonly Upcoming[],
  parts: OutlookParts,
  now: number,
): MaterialOutlook {
  const { config, store, engine, scheduler } = parts
  const { scheduled, described } = material
  const { name, impact } = described
  const schedule = store.schedule.get(name)
  const active = store.keys.active(name)
  const { window } = config.materials.find((configured) => configured.name === name) ?? {}
  const lately = schedule.lastRotation !== undefined && now - schedule.lastRotation < day
  const past =
    lately || schedule.failures > 0 ? store.journal.history({ material: name, limit: 5 }) : []
  const failure = schedule.failures > 0 ? past[0]?.detail : undefined
  const replaced = lately ? replacedIn(past, material, store) : undefined
  return {
    name,
    schedule,
    awaitsApproval: scheduler.stateOf(name)?.state === 'awaiting_approval',
    needsApproval: scheduled.approval || config.mode === 'approve',
    observed: config.mode === 'observe',
    ...(active && { active }),
    alertLead: alertLead(scheduled, active, now),
    ...(impact !== undefined && { impact }),
    drift: engine.inspections.drift(name).map(({ place }) => place),
    ...(window && { timezone: window.timezone }),
    planned: plan.flatMap((item) => plannedOf(item, material, parts)),
    ...(failure !== undefined && { failure }),
    ...(replaced && { replaced }),
  }
}

function plannedOf(
  { at, action, window }: Upcoming,
  { scheduled }: AssembledMaterial,
  { engine, store }: OutlookParts,
): readonly Planned[] {
  if (action !== 'rotate' && action !== 'end-overlap') return []
  const occurrence = window === undefined ? undefined : scheduled.window?.currentOccurrence(at)
  const consumers = unlessRefused(() => {
    const member = engine.member(scheduled.name)
    return action === 'rotate' ? restartsOf(member) : restartsAtOverlapEnd(member)
  })
  const past =
    consumers.length > 0 ? store.journal.history({ material: scheduled.name, limit: 3 }) : []
  const restarts = consumers.map((consumer) => {
    const seconds = lastDowntime(past, consumer)
    return { consumer, ...(seconds !== undefined && { seconds }) }
  })
  return [{ at, action, restarts, ...(occurrence && { window: occurrence }) }]
}

/** What the rotation itself will be refused for is told when it is. */
function unlessRefused(find: () => readonly string[]): readonly string[] {
  try {
    return find()
  } catch {
    return []
  }
}

/** Seconds from its stop, or from the verb, until it was ready again. */
function lastDowntime(past: readonly Rotation[], consumer: string): number | undefined {
  for (const { steps } of past) {
    const own = steps.filter(({ subject }) => subject === consumer)
    const up = own.find(({ name, outcome }) => name === 'resume' && outcome === 'done')
    if (up?.ended === undefined) continue
    const down = own.find(({ name }) => name === 'quiesce') ?? up
    return (up.ended - down.started) / 1000
  }
  return undefined
}

function replacedIn(
  past: readonly Rotation[],
  { managed }: AssembledMaterial,
  { keys }: Pick<Store, 'keys'>,
): Replaced | undefined {
  for (const { changes, trigger, result, ended } of past) {
    const { from, to } = changes.find(({ material }) => material === managed.name) ?? {}
    const applied = result === 'succeeded' || result === 'applied_unproved'
    if (!applied || from === undefined || to === undefined || ended === undefined) continue
    if (!replacing.includes(trigger)) continue
    const before = keys.get(managed.name, from)
    const isKept = before && canReactivate(before) && managed.kind.madeBy === 'rekeyd'
    const undoUntil = isKept ? before.keepUntil : undefined
    const proved = result === 'succeeded'
    return { from, to, at: ended, proved, ...(undoUntil !== undefined && { undoUntil }) }
  }
  return undefined
}
