import type { Config, NoticesConfig } from '../config/config.ts'
import type { Rotation } from '../model/rotation.ts'
import type { MaterialOutlook, Outlook, Planned } from '../notices/outlook.ts'
import type { Engine } from '../rotation/engine.ts'
import { restartsAtOverlapEnd, restartsOf } from '../rotation/restarts.ts'
import { alertLead } from '../scheduler/material-state.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import type { Upcoming } from '../scheduler/upcoming.ts'
import type { MaterialSchedule } from '../store/schedule-state.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import { lastDowntime, replacedIn } from './last-rotations.ts'
import type { AssembledMaterial } from './materials.ts'

const day = 86_400_000

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
  const { materials, clock, config } = parts
  const zones = new Map(config.materials.map(({ name, window }) => [name, window?.timezone]))
  const plans = Map.groupBy(planAhead(parts, config.notices), ({ material }) => material)
  const now = clock.now()
  return {
    now,
    materials: materials.map((material): MaterialOutlook => {
      const { name } = material.scheduled
      const timezone = zones.get(name)
      const planned = (plans.get(name) ?? []).flatMap((item) => plannedOf(item, material, parts))
      return {
        ...standingOf(material, parts, now),
        ...(timezone !== undefined && { timezone }),
        planned,
      }
    }),
  }
}

/** Far enough that everything that begins in the same opening of a window is in it. */
function planAhead({ scheduler, config }: OutlookParts, notices: NoticesConfig | undefined) {
  if (notices?.before === undefined) return []
  const longest = Math.max(0, ...config.windows.map(({ duration }) => duration))
  return scheduler.upcoming((notices.before + longest) / day)
}

function standingOf(
  material: AssembledMaterial,
  parts: OutlookParts,
  now: number,
): Omit<MaterialOutlook, 'timezone' | 'planned'> {
  const { config, store, engine, scheduler } = parts
  const { scheduled, described } = material
  const { name, impact } = described
  const schedule = store.schedule.get(name)
  const active = store.keys.active(name)
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
    ...lately(material, schedule, store, now),
  }
}

/** How the last attempts ended, where there is anything to tell of them. */
function lately(
  { managed }: AssembledMaterial,
  { lastRotation = -Infinity, failures }: MaterialSchedule,
  { journal, keys }: OutlookParts['store'],
  now: number,
): Pick<MaterialOutlook, 'failure' | 'replaced'> {
  const isRecent = now - lastRotation < day
  if (!isRecent && failures === 0) return {}
  const past = journal.history({ material: managed.name, limit: 5 })
  const failure = failures > 0 ? past[0]?.detail : undefined
  const replaced = isRecent ? replacedIn(past, managed, keys) : undefined
  return { ...(failure !== undefined && { failure }), ...(replaced && { replaced }) }
}

function plannedOf(
  { at, action, window }: Upcoming,
  { scheduled }: AssembledMaterial,
  { engine, store }: OutlookParts,
): readonly Planned[] {
  if (action !== 'rotate' && action !== 'end-overlap') return []
  const { name } = scheduled
  const occurrence = window === undefined ? undefined : scheduled.window?.currentOccurrence(at)
  const consumers = unlessRefused(() => {
    const member = engine.member(name)
    return action === 'rotate' ? restartsOf(member) : restartsAtOverlapEnd(member)
  })
  const past = consumers.length > 0 ? store.journal.history({ material: name, limit: 3 }) : []
  const restarts = consumers.map((consumer) => restartOf(consumer, past))
  return [{ at, action, restarts, ...(occurrence && { window: occurrence }) }]
}

function restartOf(consumer: string, past: readonly Rotation[]) {
  const seconds = lastDowntime(past, consumer)
  return { consumer, ...(seconds !== undefined && { seconds }) }
}

/** What the rotation itself will be refused for is told when it is. */
function unlessRefused(find: () => readonly string[]): readonly string[] {
  try {
    return find()
  } catch {
    return []
  }
}
