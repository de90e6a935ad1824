import type { RotationResult } from '../../model/rotation.ts'
import type { CompromiseView } from '../../operations/views.ts'
import { type ErrorKind, OperatorError } from '../../support/operator-error.ts'
import type { Turn } from './turns.ts'

/** How it ended for one material. */
export interface End {
  readonly material: string
  /** `not_replaced`: it could not even be tried. `left_out`: a person did not want it now. */
  readonly result: RotationResult | 'not_replaced' | 'left_out' | 'replaced_before'
  readonly id?: string
  readonly detail?: string
  /** What has to be done where rekeyd does not reach. */
  readonly elsewhere?: readonly string[]
}

/** From bad to good: the worst decides the exit code. */
const kinds: readonly (readonly [ErrorKind, readonly End['result'][]])[] = [
  ['needs-attention', ['needs_attention', 'not_replaced']],
  ['failed', ['failed']],
  ['rolled-back', ['rolled_back']],
  ['refused', ['left_out']],
]

export function endOf(material: string, { result = 'failed', ...view }: CompromiseView): End {
  const { id, detail, elsewhere } = view
  return { material, result, id, ...(detail !== undefined && { detail }), elsewhere }
}

/** It was replaced before, which does not say that all is well with it. */
export function endBefore({ material }: Turn): End {
  const { name, state, reason } = material
  const end = { material: name, ...(reason !== undefined && { detail: reason }) }
  return { ...end, result: state === 'needs_attention' ? state : 'replaced_before' }
}

/** What to say of everything that is not replaced; undefined when all is. @param again what takes up the rest */
export function failureOfAll(ends: readonly End[], again: string): OperatorError | undefined {
  const bad = ends.filter(({ result }) => kinds.some(([, results]) => results.includes(result)))
  const [kind] =
    kinds.find(([, results]) => bad.some(({ result }) => results.includes(result))) ?? []
  if (kind === undefined) return undefined
  const names = bad.map(({ material }) => material).join(', ')
  return new OperatorError(`${bad.length} of ${ends.length} need another look: ${names}`, {
    kind,
    hint: `\`rekeyd status\` says what needs a person; \`${again}\` takes up the rest`,
  })
}
