import type { Trigger } from '../model/rotation.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { Member } from './plan.ts'
import { ask } from './proof.ts'
import type { WalkPlan } from './walk.ts'

/** What is done although the consumer cannot answer now: it may be what heals it. */
const withoutBaseline: ReadonlySet<Trigger> = new Set([
  'compromise',
  'apply',
  'rollback',
  'announce',
])
const baselineTries = 3
const pause = 1_000

/**
 * Proves that a rotation could succeed, before anything is made or changed.
 * @throws OperatorError naming the place, the consumer or the verifier
 */
export async function preflight(
  { members, placements, consumers }: WalkPlan,
  trigger: Trigger,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const { material } of members) await material.permit?.()
  for (const { target } of placements) await target.check(signal)
  for (const { managed } of consumers) await managed.consumer.check(signal)
  if (withoutBaseline.has(trigger)) return
  for (const member of members) await askBaseline(member, clock, signal)
}

/**
 * A verifier that cannot tell which version is in use now could not prove the next one either, and the
 * rotation would be undone for a fault that is not its own. A "no" is drift, which a rotation may heal.
 */
async function askBaseline(member: Member, clock: Clock, signal: AbortSignal): Promise<void> {
  const { material, from } = member
  if (!from || member.ending) return
  for (const verifier of material.verifiers) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await ask((signal) => verifier.accepts(from, signal), signal)
        break
      } catch (error) {
        signal.throwIfAborted()
        if (attempt < baselineTries) {
          await clock.sleep(pause, signal)
          continue
        }
        throw new OperatorError(
          `${verifier.type} ${verifier.subject} could not tell which ${material.name} is in use: ${messageOf(error)}`,
          {
            cause: error,
            hint: 'nothing was changed; see that the consumer runs and the verifier reaches it',
          },
        )
      }
    }
  }
}
