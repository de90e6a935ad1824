import { consumerSteps, type Member, placementsOf } from './plan.ts'

/** The consumers that will not run for a moment. @throws OperatorError when one could not take the change up */
export function restartsOf(member: Member): readonly string[] {
  const { kind, consumers } = member.material
  if (kind.madeBy === 'consumer') return kind.offline ? consumers.map(({ name }) => name) : []
  return consumerSteps(placementsOf([member]))
    .filter(({ verb }) => verb === 'restart' || verb === 'recreate' || verb === 'stop-start')
    .map(({ managed }) => managed.name)
}

/** The same where the overlap of its retiring version ends. */
export function restartsAtOverlapEnd({ material, from, retiring }: Member): readonly string[] {
  if (!from || !retiring) return []
  return restartsOf({ material, from: retiring, to: from, ending: true })
}
