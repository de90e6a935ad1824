import type { Mode } from '../model/material.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { DescribedMaterial, Planner } from './described.ts'
import type { Acceptance, RotateOptions } from './views.ts'

/**
 * Why a rotation may not be started by hand now; undefined when it may. Policy only: whether it can
 * succeed is the engine's question.
 */
export function refusal(
  material: DescribedMaterial,
  options: RotateOptions,
  mode: Mode,
  planner: Planner,
  now: number,
): OperatorError | undefined {
  const { name, window } = material
  const earlier = observing(mode) ?? impactRefusal(material, 'rotate', options)
  if (earlier) return earlier
  const hurry = options.now === true || options.reason === 'compromise'
  if (!hurry && !planner.inWindow(name, now)) {
    return refuse(
      `${name} rotates only in its window ${window ?? ''}, and it is closed now`.replace('  ', ' '),
      `\`rekeyd rotate ${name} --now\` rotates it all the same`,
    )
  }
  return undefined
}

/**
 * Whoever replaces what clients use has to say that they accept what it does to them, by the name of the
 * material: a yes slips too easily. What the schedule does was accepted with the schedule.
 * @param verb as the command line has it
 */
export function impactRefusal(
  { name, impact }: Pick<DescribedMaterial, 'name' | 'impact'>,
  verb: ReplacingVerb,
  { accept_impact }: Acceptance,
): OperatorError | undefined {
  if (impact === undefined || accept_impact === name) return undefined
  return refuse(
    `this breaks clients of ${name}: ${impact}`,
    `\`rekeyd ${verb} ${name} --accept-impact=${name}\` if that is what you want`,
  )
}

/** What replaces what clients use. */
export type ReplacingVerb =
  | 'rotate'
  | 'rollback'
  | 'end-overlap'
  | 'import'
  | 'apply'
  | 'compromise'

/** In mode observe nothing is changed, whoever asks. */
export function observing(mode: Mode): OperatorError | undefined {
  if (mode !== 'observe') return undefined
  return refuse('rekeyd only observes (mode: observe)', 'set mode: rotate in the config and reload')
}

function refuse(message: string, hint: string): OperatorError {
  return new OperatorError(message, { kind: 'refused', hint })
}
