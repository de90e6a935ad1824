import type { Rotation } from '../model/rotation.ts'
import { instant, instants } from './material-view.ts'
import type { RotationView } from './views.ts'

/** Whether what it set out to put in place is in use now. */
export function isReplaced({ result }: RotationView): boolean {
  return result === 'succeeded' || result === 'applied_unproved'
}

/** One rotation as `rotate --json`, history and the API show it. */
export function rotationView(rotation: Rotation): RotationView {
  const { id, trigger, actor, reason, result, detail, changes, steps } = rotation
  return {
    schema_version: 1,
    id,
    trigger,
    actor,
    ...(reason !== undefined && { reason }),
    started: instant(rotation.started),
    ...instants({ ended: rotation.ended }),
    ...(result !== undefined && { result }),
    ...(detail !== undefined && { detail }),
    steps: steps.map(({ name, subject, direction, started, ended, ...end }) => ({
      name,
      ...(subject !== undefined && { subject }),
      direction,
      started: instant(started),
      ...instants({ ended }),
      ...end,
    })),
    changes,
  }
}
