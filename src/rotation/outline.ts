import type { Member } from './plan.ts'
import { consumerSteps, placementsOf } from './plan.ts'

/** In words, what a rotation of this member would do: for `rotate --dry-run`. */
export function outline(member: Member): readonly string[] {
  const { material, from } = member
  if (material.kind.madeBy === 'consumer') return outlineProvoked(member)
  const placements = placementsOf([member])
  const consumers = consumerSteps(placements)
  const next = from ? `the version after ${from.version.number}` : 'the first version'
  return [
    `make ${next} and keep it sealed in the store`,
    ...placements.map(({ target }) => `prepare ${placeOf(target.place)} (${target.type})`),
    ...consumers.filter(({ quiesce }) => quiesce).map(({ managed }) => `stop ${managed.name}`),
    ...placements.map(({ target, action }) =>
      action === 'put' ? `switch ${placeOf(target.place)}` : `clear ${placeOf(target.place)}`,
    ),
    ...consumers.map(({ managed, quiesce, verb }) =>
      quiesce ? `start ${managed.name}` : `${verb} ${managed.name}`,
    ),
    ...material.verifiers.map(({ type, subject }) => `prove it with ${type} ${subject}`),
    from ? 'make it active; otherwise put everything back' : 'make it active',
  ]
}

function outlineProvoked({ material }: Member): readonly string[] {
  const { kind, consumers } = material
  const offline = kind.madeBy === 'consumer' && kind.offline
  return [
    'keep what is there, sealed',
    ...(offline ? consumers.map(({ name }) => `stop ${name}`) : []),
    'make the consumer make the next one',
    ...(offline ? consumers.map(({ name }) => `start ${name}`) : []),
    'wait until a new value is seen; there is no way back',
  ]
}

function placeOf({ path, key }: { readonly path: string; readonly key?: string }): string {
  return key === undefined ? path : `${path} ${key}`
}
