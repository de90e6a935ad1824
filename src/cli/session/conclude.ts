import type { RotationResult } from '../../model/rotation.ts'
import type { RotationView } from '../../operations/views.ts'
import { failureOf, successLine } from '../output/rotation.ts'
import type { Session } from './session.ts'

/** From good to bad: several rotations end with the code of the worst. */
const ranking: readonly RotationResult[] = [
  'succeeded',
  'applied_unproved',
  'rolled_back',
  'failed',
  'needs_attention',
]

/** Answers with a rotation that has ended: its result decides the exit code. */
export function conclude(session: Session, rotation: RotationView): void {
  const failure = failureOf(rotation)
  session.answer(rotation, () => (failure ? '' : successLine(rotation)))
  if (failure) session.fail(failure)
}

/** The same for several, also none. */
export function concludeAll(session: Session, rotations: readonly RotationView[]): void {
  session.answer({ rotations }, () => {
    if (rotations.length === 0) return 'nothing is due\n'
    return rotations.map((rotation) => (failureOf(rotation) ? '' : successLine(rotation))).join('')
  })
  const rank = ({ result = 'failed' }: RotationView) => ranking.indexOf(result)
  for (const rotation of rotations.toSorted((a, b) => rank(a) - rank(b))) {
    const failure = failureOf(rotation)
    if (failure) session.fail(failure)
  }
}
