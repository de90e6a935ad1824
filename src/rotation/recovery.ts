import type { Rotation } from '../model/rotation.ts'
import type { Edition } from '../model/version.ts'
import type { Unfinished } from '../store/journal.ts'
import { walkPlan } from './attempt.ts'
import { conclude, concludeAbandoned, concludeBack } from './conclusion.ts'
import { editionOf } from './edition.ts'
import { inspectTarget } from './inspection.ts'
import { isMadeByConsumer, isMadeHere, type ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import type { Member, Placement } from './plan.ts'
import { recoverProvoked } from './provoked.ts'
import { Walk } from './walk.ts'

/** How often the same version is tried again before the previous one is given back. */
const mostTries = 3

/**
 * Brings a rotation that a crash or stop left open to an end. The targets are asked what they hold:
 * all old, it is abandoned; anything new and forward, it goes on with the same version; otherwise back.
 */
export async function recover(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  unfinished: Unfinished,
  park: AbortSignal,
): Promise<void> {
  const { rotation } = unfinished
  const [first] = rotation.changes
  const only = first && materials.get(first.material)
  if (only && isMadeByConsumer(only)) return recoverProvoked(parts, only, unfinished, park)
  const members = membersOf(parts, materials, rotation)
  if (!members) {
    const detail = 'interrupted, and a material of it is no longer configured as it was'
    return closeUntouched(parts, rotation, detail)
  }
  const plan = walkPlan(rotation.id, rotation.trigger, members)
  const walk = new Walk(parts, plan, park)
  const found = await findingsOf(plan.placements)
  walk.recall(unfinished, found.done)
  const { trigger } = rotation
  if (rotation.direction === 'back') {
    return concludeBack(parts, walk, trigger, rotation.detail ?? 'interrupted on the way back')
  }
  if (found.allOld) {
    return concludeAbandoned(parts, walk, trigger, 'interrupted before anything was changed')
  }
  if (parts.journal.again(rotation.id) > mostTries || anyCompromised(parts, members)) {
    parts.journal.turn(rotation.id, 'back', 'interrupted too often')
    return concludeBack(parts, walk, trigger, 'interrupted too often')
  }
  return conclude(parts, walk, trigger, () => walk.forward(), park)
}

/** Ends a rotation in the journal alone: the store is not the newest, or the configuration has changed. */
export function closeUntouched(parts: EngineParts, rotation: Rotation, detail: string): void {
  const { journal, keys, schedule, clock } = parts
  const versions = rotation.changes.flatMap(({ material, to }) =>
    to !== undefined && keys.get(material, to)?.state === 'prepared'
      ? [{ material, number: to, event: 'abandon' as const }]
      : [],
  )
  const schedules = rotation.changes.map(({ material }) => ({
    ...schedule.get(material),
    attention: detail,
  }))
  journal.finish(rotation.id, {
    result: 'needs_attention',
    detail,
    versions,
    schedules,
    now: clock.now(),
  })
}

function membersOf(
  { keys }: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  { changes, trigger }: Rotation,
): readonly Member[] | undefined {
  const members: Member[] = []
  for (const { material: name, from, to } of changes) {
    const material = materials.get(name)
    if (!material || !isMadeHere(material)) return undefined
    const edition = (number: number | undefined): Edition | undefined => {
      const version = number === undefined ? undefined : keys.get(name, number)
      return version && editionOf(keys, material.kind, version)
    }
    const previous = edition(from)
    const next = edition(to)
    members.push({
      material,
      ...(previous && { from: previous }),
      ...(next && { to: next }),
      ...(trigger === 'overlap-end' && { ending: true }),
    })
  }
  return members
}

/** Which places are done, and whether none is. What could not be told counts as neither. */
async function findingsOf(
  placements: readonly Placement[],
): Promise<{ readonly done: ReadonlySet<Placement>; readonly allOld: boolean }> {
  const done = new Set<Placement>()
  let allOld = true
  for (const placement of placements) {
    const { member, target, edition, previous, action } = placement
    const finding = await inspectTarget(target, previous ? [edition, previous] : [edition])
    const holdsIt = finding.holds === 'version' && finding.number === edition.version.number
    if (action === 'put' && holdsIt) done.add(placement)
    const isNew = action === 'put' ? holdsIt : member.ending && finding.holds === 'nothing'
    if (isNew || finding.holds === 'unknown') allOld = false
  }
  return { done, allOld }
}

function anyCompromised({ keys }: EngineParts, members: readonly Member[]): boolean {
  return members.some(
    ({ material, to, ending }) =>
      !ending && to && keys.get(material.name, to.version.number)?.compromised,
  )
}
