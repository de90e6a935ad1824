import { OperatorError } from '../support/operator-error.ts'
import type { Caller, Operations } from './operations.ts'
import type { RotationView } from './views.ts'

/** One after the other. What is refused, as the schedule itself would have to wait for it, is left out. */
export async function rotateAll(
  operations: Pick<Operations, 'startRotation' | 'wait'>,
  names: readonly string[],
  caller: Caller,
): Promise<readonly RotationView[]> {
  const views: RotationView[] = []
  for (const name of names) {
    try {
      const options = { now: true, accept_impact: name }
      const { id } = await operations.startRotation(name, options, caller)
      views.push(await operations.wait(id))
    } catch (error) {
      if (!(error instanceof OperatorError) || error.kind === 'failed') throw error
    }
  }
  return views
}
