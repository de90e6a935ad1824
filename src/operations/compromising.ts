import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { DescribedMaterial } from './described.ts'
import { containersOf, endangeredBy } from './endangered.ts'
import type { Caller } from './operations.ts'
import type { OperationsParts } from './operations-parts.ts'
import { impactRefusal, observing } from './refusal.ts'
import { isReplaced, rotationView } from './rotation-view.ts'
import type { CompromiseOptions, CompromiseView } from './views.ts'

const backupsKept =
  'backups of rekeyd made before now still contain the old value; none of them was deleted'
const backupsGone = "copies of rekeyd's backups elsewhere still contain the old value"

/**
 * Somebody else has it: marks it before anything is waited for, replaces it, and says what that leaves to a
 * person. What it contains is named, and left alone.
 * @throws OperatorError where it was not replaced; whatever the reason, the mark stays
 */
export async function compromise(
  parts: OperationsParts,
  described: DescribedMaterial,
  options: CompromiseOptions,
  caller: Caller,
): Promise<CompromiseView> {
  const { engine, surroundings, materials } = parts
  const { name, elsewhere } = described
  const refused = impactRefusal(described, 'compromise', options)
  if (refused) throw refused
  const marked = engine.markCompromised(name, options.on_failure, caller)
  try {
    const observed = observing(surroundings.mode)
    if (observed) throw observed
    await parts.recover()
    const view = rotationView(await engine.replaceCompromised(name, marked, caller).done)
    const purge = options.purge && isReplaced(view) ? await purgeBackups(parts, caller) : {}
    const backups = 'purged' in purge ? backupsGone : backupsKept
    return {
      ...view,
      endangers: endangeredBy(name, materials),
      contained_in: containersOf(name, materials),
      elsewhere: [...(elsewhere === undefined ? [] : [elsewhere]), backups],
      ...purge,
    }
  } catch (error) {
    throw marked.length > 0 && error instanceof OperatorError ? notReplaced(name, error) : error
  }
}

/** It has been replaced already: what stands against deleting is told beside that. */
async function purgeBackups(
  { backups }: OperationsParts,
  caller: Caller,
): Promise<Pick<CompromiseView, 'purged' | 'purge_failed'>> {
  try {
    return { purged: await backups.purge(caller) }
  } catch (error) {
    return { purge_failed: messageOf(error) }
  }
}

function notReplaced(name: string, error: OperatorError): OperatorError {
  const { message, kind, hint } = error
  return new OperatorError(`${name} is marked as compromised, but was not replaced: ${message}`, {
    kind,
    cause: error,
    ...(hint !== undefined && { hint }),
  })
}
