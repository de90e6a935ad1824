import { outline } from '../rotation/outline.ts'
import type { DescribedMaterial } from './described.ts'
import { disturbances } from './disturbance.ts'
import { impactCountOf } from './impact.ts'
import { instants } from './material-view.ts'
import type { OperationsParts } from './operations-parts.ts'
import { refusal } from './refusal.ts'
import type { DryRun, RotateOptions } from './views.ts'

/** Of which rotations the consumers' downtime is known. */
const lookBack = 20

/** What a rotation would do now and to whom, what would come after it, and why it would be refused. */
export async function dryRunOf(
  { engine, journal, schedule, surroundings, planner, clock }: OperationsParts,
  described: DescribedMaterial,
  options: RotateOptions,
): Promise<DryRun> {
  const { name, impact, window } = described
  const now = clock.now()
  const refused = refusal(described, options, surroundings.mode, planner, now)
  const member = engine.member(name)
  const { overlap } = member.material
  return {
    schema_version: 1,
    material: name,
    steps: outline(member),
    consumers: disturbances(member, journal.history({ material: name, limit: lookBack })),
    ...(impact !== undefined && { impact }),
    ...(await impactCountOf(described, engine)),
    ...(window !== undefined && { window }),
    ...instants({
      next_rotation: schedule.get(name).due,
      due_again: planner.dueAfter(name, now),
      overlap_until: overlap > 0 && member.from ? now + overlap : undefined,
    }),
    ...(refused && {
      refused: {
        reason: refused.message,
        ...(refused.hint !== undefined && { hint: refused.hint }),
      },
    }),
  }
}
