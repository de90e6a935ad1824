import { outline } from '../rotation/outline.ts'
import type { DescribedMaterial } from './described.ts'
import type { OperationsParts } from './operations-parts.ts'
import { refusal } from './refusal.ts'
import type { DryRun, RotateOptions } from './views.ts'

/** What a rotation would do now, and why it would be refused. */
export function dryRunOf(
  { engine, surroundings, planner, clock }: OperationsParts,
  described: DescribedMaterial,
  options: RotateOptions,
): DryRun {
  const { name, impact, window } = described
  const refused = refusal(described, options, surroundings.mode, planner, clock.now())
  return {
    schema_version: 1,
    material: name,
    steps: outline(engine.member(name)),
    ...(impact !== undefined && { impact }),
    ...(window !== undefined && { window }),
    ...(refused && {
      refused: {
        reason: refused.message,
        ...(refused.hint !== undefined && { hint: refused.hint }),
      },
    }),
  }
}
