import type { Planner } from '../operations/described.ts'
import { instant } from '../operations/material-view.ts'
import { approve, nextDue, pause, resume, settle } from '../scheduler/policy.ts'
import type { ScheduledMaterial } from '../scheduler/scheduled-material.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import type { MaterialSchedule, ScheduleState } from '../store/schedule-state.ts'
import type { Clock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'

interface PlannerParts {
  readonly scheduler: Scheduler
  readonly materials: readonly ScheduledMaterial[]
  readonly schedule: ScheduleState
  readonly clock: Clock
}

/** What operations ask about schedules, answered by the scheduler and its policy. */
export function planner({ scheduler, materials, schedule, clock }: PlannerParts): Planner {
  const byName = new Map(materials.map((material) => [material.name, material]))
  const update = (change: MaterialSchedule, who: string, action: string) => {
    schedule.set(change, { who }, action)
    scheduler.poke(change.material)
  }
  return {
    state: (name) => scheduler.stateOf(name) ?? { state: 'idle' },
    inWindow: (name, moment) => byName.get(name)?.window?.contains(moment) ?? true,
    upcoming: (days) =>
      scheduler.upcoming(days).map(({ at, ...item }) => ({
        at: instant(at),
        consumers: byName.get(item.material)?.consumers ?? [],
        ...item,
      })),
    dueAfter: (name, moment) => {
      const material = byName.get(name)
      return material && nextDue(material, moment, undefined)
    },
    due: () => {
      const now = clock.now()
      return materials.flatMap(({ name }) => {
        const { due } = schedule.get(name)
        return due !== undefined && due <= now ? [name] : []
      })
    },
    pause: (name, until, reason, who) => {
      if (until !== undefined && until <= clock.now()) {
        throw new OperatorError('the pause would end in the past', {
          kind: 'usage',
          hint: 'give a time ahead, in RFC 3339',
        })
      }
      const paused = { reason, who, ...(until !== undefined && { until }) }
      update(pause(schedule.get(name), paused), who, 'pause')
    },
    resume: (name, who) => update(resume(schedule.get(name), clock.now()), who, 'resume'),
    approve: (name, who) => update(approve(schedule.get(name)), who, 'approve'),
    changed: (name, active) => {
      const material = byName.get(name)
      if (!material) return
      schedule.set(settle(material, schedule.get(name), active, clock.now()))
      scheduler.poke(name)
    },
  }
}
