import type { Progress } from '../model/rotation.ts'
import { type Placement, subjectOf } from './plan.ts'
import type { WalkParts } from './steps.ts'

/** What tells everybody how far a long switch of a rotation is. */
export function reporter({ clock, events }: WalkParts, id: string, placement: Placement) {
  const material = placement.member.material.name
  const where = { id, step: 'activate', material, place: subjectOf(placement) } as const
  return ({ doing, done, total, unit }: Progress) =>
    events.emit('rotation.progress', clock.now(), { ...where, doing, done, total, unit })
}
