import type { Mode } from '../model/material.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { DescribedMaterial, Planner } from './described.ts'
import type { RotateOptions } from './views.ts'

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
  const { name, impact, window } = material
  if (mode === 'observe') {
    return refuse(
      'rekeyd only observes (mode: observe)',
      'set mode: rotate in the config and reload',
    )
  }
  if (impact !== undefined && options.accept_impact !== name) {
    return refuse(
      `rotating ${name} breaks clients: ${impact}`,
      `\`rekeyd rotate ${name} --accept-impact=${name}\` if that is what you want`,
    )
  }
  const hurry = options.now === true || options.reason === 'compromise'
  if (!hurry && !planner.inWindow(name, now)) {
    return refuse(
      `${name} rotates only in its window ${window ?? ''}, and it is closed now`.replace('  ', ' '),
      `\`rekeyd rotate ${name} --now\` rotates it all the same`,
    )
  }
  return undefined
}

/** In mode observe nothing is changed, whoever asks. */
export function observing(mode: Mode): OperatorError | undefined {
  if (mode !== 'observe') return undefined
  return refuse('rekeyd only observes (mode: observe)', 'set mode: rotate in the config and reload')
}

function refuse(message: string, hint: string): OperatorError {
  return new OperatorError(message, { kind: 'refused', hint })
}
