import { type Verb, verbs } from '../consumers/consumer.ts'
import type { Edition } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Target } from '../targets/target.ts'
import type { ManagedConsumer, ManagedMaterial } from './managed.ts'

/** One material's part in a rotation. */
export interface Member {
  readonly material: ManagedMaterial
  /** What is given up: undefined on a first rotation. */
  readonly from?: Edition
  /** What takes its place; the active version when an overlap ends. */
  readonly to?: Edition
  /** The overlap of `from` ends: it is taken away from wherever it was kept for clients. */
  readonly ending?: boolean
  /** What the places for the previous and for the next version show, as far as the store knows. */
  readonly retiring?: Edition
  readonly announced?: Edition
}

/** What happens at one target. */
export interface Placement {
  readonly member: Member
  /** Index into the material's targets: the journal's name for it. */
  readonly index: number
  readonly target: Target
  /** Put the edition there, or take it away. */
  readonly action: 'put' | 'take'
  readonly edition: Edition
  /** What the target holds before, where the store knows it. */
  readonly previous?: Edition
}

/** How a placement is called in the journal and in history: the path and the key, or the path alone. */
export function subjectOf({ target }: Placement): string {
  const { path, key } = target.place
  return key === undefined ? path : `${path} ${key}`
}

/** What happens to one consumer. */
export interface ConsumerStep {
  readonly managed: ManagedConsumer
  /** Stopped before the switch: something must change offline, or several places must match. */
  readonly quiesce: boolean
  readonly verb: Verb
}

/** The placements of a rotation from one version to the next, or of the end of an overlap. */
export function placementsOf(members: readonly Member[]): readonly Placement[] {
  return members.flatMap((member) =>
    member.material.targets.flatMap((target, index): readonly Placement[] => {
      const placed = placeAt(member, target)
      return placed ? [{ member, index, target, ...placed }] : []
    }),
  )
}

type Placed = Pick<Placement, 'action' | 'edition' | 'previous'>

function placeAt(member: Member, { role }: Target): Placed | undefined {
  const { from, to, ending } = member
  if (role === 'previous') return previousAt(member)
  if (ending || !to) return undefined
  if (role === 'next') return nextAt(member, to)
  return { action: 'put', edition: to, ...(from && { previous: from }) }
}

/** Clients are shown only what they may still use: never what has leaked. */
function previousAt(member: Member): Placed | undefined {
  const { from, to, ending, retiring } = member
  if (ending) return from && { action: 'take', edition: from }
  if (to && isInUse(to)) return retiring && { action: 'put', edition: retiring }
  if (from && overlaps(member)) return { action: 'put', edition: from }
  const shown = retiring ?? leaked(from)
  return shown && { action: 'take', edition: shown }
}

/** It may have been put where clients look before it was marked. */
function leaked(edition: Edition | undefined): Edition | undefined {
  return edition?.version.compromised ? edition : undefined
}

function nextAt({ announced }: Member, to: Edition): Placed | undefined {
  return announced && { action: isInUse(to) ? 'put' : 'take', edition: announced }
}

/** It is written again; no version takes another's place. */
function isInUse({ version }: Edition): boolean {
  return version.state === 'active'
}

/** Whether clients may go on using the version that is given up. */
export function overlaps({ material, from }: Member): boolean {
  return material.overlap > 0 && from !== undefined && !from.version.compromised
}

/** Where an announced version is written: the targets that show the next one. */
export function announcementsOf(member: Member): readonly Placement[] {
  const { material, to } = member
  if (!to) return []
  return material.targets.flatMap((target, index) =>
    target.role === 'next' ? [{ member, index, target, action: 'put' as const, edition: to }] : [],
  )
}

/** Each consumer once, in the members' order, with the strongest verb that any of its places needs. */
export function consumerSteps(placements: readonly Placement[]): readonly ConsumerStep[] {
  const steps = new Map<string, ConsumerStep>()
  for (const { member } of placements) {
    for (const managed of member.material.consumers) {
      if (steps.has(managed.name)) continue
      const own = placements.filter(({ member }) =>
        member.material.consumers.some(({ name }) => name === managed.name),
      )
      const quiesce = mustQuiesce(managed, own)
      steps.set(managed.name, {
        managed,
        quiesce,
        verb: verbFor(managed, own, quiesce ? 'stop-start' : managed.apply),
      })
    }
  }
  return [...steps.values()]
}

/**
 * Whether the consumer must not run while its places change.
 * @throws OperatorError when it must not, but rekeyd cannot stop it
 */
function mustQuiesce(managed: ManagedConsumer, placements: readonly Placement[]): boolean {
  const offline = placements.some(({ target }) => target.offline)
  const split = [...new Set(placements.map(({ member }) => member))].some((member) =>
    mustMatch(placements.filter((placement) => placement.member === member)),
  )
  if ((offline || split) && !managed.consumer.canStop) {
    throw new OperatorError(`consumer ${managed.name} cannot be stopped, but must be`, {
      kind: 'refused',
      hint: offline
        ? 'give it a stop and a start command, or remove the target that changes offline'
        : 'write its files with one file_set target, which switches all of them at once',
    })
  }
  return offline || split
}

/** Different parts of one version at different places: a start in between would find half of each. */
function mustMatch(placements: readonly Placement[]): boolean {
  const active = placements.filter(({ target }) => target.role === 'active')
  const places = new Set(active.map(({ target }) => target.place.path))
  const parts = new Set(active.map(({ target }) => target.part))
  return places.size > 1 && parts.size > 1
}

function verbFor(managed: ManagedConsumer, placements: readonly Placement[], least: Verb): Verb {
  const enough = verbs
    .slice(verbs.indexOf(least))
    .find((verb) => placements.every(({ target }) => managed.consumer.picksUp(verb, target.place)))
  if (enough === undefined) {
    throw new OperatorError(`consumer ${managed.name} has no way to pick the change up`, {
      kind: 'refused',
      hint: 'its environment stays until it starts anew: give it a way to (a container: let compose run it), or write a file that it reads again',
    })
  }
  return enough
}
