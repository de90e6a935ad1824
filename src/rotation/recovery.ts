import type { Change, Rotation } from '../model/rotation.ts'
import type { Unfinished } from '../store/journal.ts'
import { messageOf } from '../support/operator-error.ts'
import { walkPlan } from './attempt.ts'
import { closeUntouched } from './closing.ts'
import { conclude, concludeAbandoned, concludeBack, concludeFailed } from './conclusion.ts'
import { findingsOf } from './findings.ts'
import { isMadeByConsumer, isMadeHere, type ManagedMaterial } from './managed.ts'
import { memberOf } from './member-of.ts'
import type { EngineParts } from './outcome.ts'
import { isRecordOf } from './placing.ts'
import type { Member } from './plan.ts'
import { recoverProvoked } from './provoked.ts'
import { Walk, type WalkPlan } from './walk.ts'

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
  const plan = planOf(parts, materials, unfinished)
  if (typeof plan === 'string') return closeUntouched(parts, materials, rotation, plan)
  const walk = new Walk(parts, plan, park)
  try {
    await takeUp(parts, walk, unfinished)
  } finally {
    walk.wipe()
  }
}

/**
 * Recovers what is open of these materials: its end could not be written, or an earlier recovery failed.
 * @returns the id of the last one; undefined when none was open
 */
export async function recoverOpen(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  names: readonly string[],
  park: AbortSignal,
): Promise<string | undefined> {
  let last: string | undefined
  for (const open of parts.journal.unfinished()) {
    if (!open.rotation.changes.some(({ material }) => names.includes(material))) continue
    await recover(parts, materials, open, park)
    last = open.rotation.id
  }
  return last
}

async function takeUp(parts: EngineParts, walk: Walk, unfinished: Unfinished): Promise<void> {
  const { rotation } = unfinished
  const { id, trigger } = rotation
  const found = await findingsOf(walk.plan.placements)
  walk.recall(unfinished, found)
  if (rotation.direction === 'back') {
    const reason = rotation.detail ?? 'interrupted on the way back'
    return concludeBack(parts, walk, trigger, reason, rotation.blamed)
  }
  if (found.allOld) {
    return concludeAbandoned(parts, walk, trigger, 'interrupted before anything was changed')
  }
  const leaked = walk.plan.members.some((member) => hasLeaked(parts, member))
  if (leaked) return concludeFailed(parts, walk, trigger, 'the new version was compromised')
  if (triesOf(parts, id) > mostTries) {
    return concludeFailed(parts, walk, trigger, 'interrupted too often')
  }
  return conclude(parts, walk, trigger)
}

/** Counts the try. Where that cannot be written, nobody could tell how often: it goes back. */
function triesOf({ journal, events, clock }: EngineParts, id: string): number {
  try {
    return journal.again(id)
  } catch {
    events.emit('store.error', clock.now(), { operation: 'journal again' })
    return Number.POSITIVE_INFINITY
  }
}

/** What is to be done, or why the configuration that it was begun with is not there any more. */
function planOf(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  { rotation, held }: Unfinished,
): WalkPlan | string {
  const members = membersOf(parts, materials, rotation)
  if (!members) return 'interrupted, and a material of it is no longer configured as it was'
  try {
    const plan = walkPlan(rotation.id, rotation.trigger, members)
    const isKnown = held.every((record) =>
      plan.placements.some((placement) => isRecordOf(record, placement)),
    )
    return isKnown ? plan : 'interrupted, and its targets are no longer configured as they were'
  } catch (error) {
    return `interrupted, and it cannot be taken up as it is configured now: ${messageOf(error)}`
  }
}

function membersOf(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  rotation: Rotation,
): readonly Member[] | undefined {
  const members: Member[] = []
  for (const change of rotation.changes) {
    const material = materials.get(change.material)
    if (!material || !isMadeHere(material)) return undefined
    members.push(memberAgain(parts, material, change, rotation))
  }
  return members
}

function memberAgain(
  parts: EngineParts,
  material: ManagedMaterial,
  change: Change,
  { trigger, started }: Rotation,
): Member {
  const version = (number: number | undefined) =>
    number === undefined ? undefined : parts.keys.get(material.name, number)
  const [from, to] = [version(change.from), version(change.to)]
  const draft = {
    material,
    ...(from && { from }),
    ...(to && { to }),
    ...(trigger === 'overlap-end' && { ending: true }),
  }
  return memberOf(parts, draft, to && to.createdAt >= started ? [to] : [])
}

function hasLeaked({ keys }: EngineParts, { material, to, ending }: Member): boolean {
  if (ending || !to) return false
  return keys.get(material.name, to.version.number)?.compromised === true
}
