import type { MadeByConsumer } from '../materials/kind.ts'
import { OperatorError } from '../support/operator-error.ts'
import { wipe } from './adoption.ts'
import type { ManagedMaterial } from './managed.ts'
import type { Trail } from './trail.ts'

/** What can be tried of a material that its consumer makes: everything up to what cannot be taken back. */
export async function rehearseProvoked(
  { name, kind, consumers }: ManagedMaterial<MadeByConsumer>,
  trail: Trail,
  signal: AbortSignal,
): Promise<void> {
  await trail.take('plan', undefined, async () => {
    if (kind.provoke) return 'the consumer would be made to make the next one'
    throw new OperatorError(`${name} is only watched: its consumer rotates it`, {
      kind: 'refused',
      hint: 'configure a trigger or a reset to rotate it from here',
    })
  })
  for (const { name, consumer } of consumers) {
    await trail.take('check', name, () => consumer.check(signal).then(() => undefined))
  }
  await trail.take('observe', undefined, async () => {
    return (await kind.observe(signal)) ? 'a value is in use' : 'no value is in use yet'
  })
  if (kind.archive) {
    await trail.take('archive', undefined, async () => {
      const made = await kind.archive?.(signal)
      if (made) wipe(made)
      return made ? 'it can be kept before it goes' : 'there is nothing to keep'
    })
  }
  for (const { name } of kind.offline ? consumers : []) {
    trail.leaveOut('quiesce', name, 'it would stop the service')
  }
  trail.leaveOut('provoke', undefined, 'there is no way back from it')
  for (const { name } of kind.offline ? consumers : []) trail.leaveOut('resume', name, 'start')
}
