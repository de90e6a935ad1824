import type { RotationResult, Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import { messageOf } from '../support/operator-error.ts'
import { versionChanges } from './ending.ts'
import { findingsOf, isApplied } from './findings.ts'
import { isMadeHere } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import type { Member } from './plan.ts'
import { isProvable, NotProved } from './proof.ts'
import { Parked, type Walk } from './walk.ts'

/** How a walk came out. */
interface Conclusion {
  readonly result: RotationResult
  /** Whether the new versions stay in use. */
  readonly applied: boolean
  readonly detail?: string
  /** The one material whose verifier said no; undefined blames all. */
  readonly blamed?: string
}

/**
 * Runs a walk forward and brings it to an end: proved, back, or in need of a person.
 * @throws Parked when rekeyd stops: the journal keeps the rotation open
 */
export async function conclude(parts: EngineParts, walk: Walk, trigger: Trigger): Promise<void> {
  const conclusion = await walk.forward().then(
    () => success(walk.plan.members, trigger),
    (error: unknown) => failure(parts, walk, trigger, error),
  )
  await finish(parts, walk, trigger, conclusion)
}

/** Brings a walk that is not to go on to its end. */
export async function concludeFailed(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  reason: string,
): Promise<void> {
  await finish(parts, walk, trigger, await giveUp(parts, walk, trigger, reason, undefined))
}

/** Brings a walk to its end by the way back; why, and who is to blame, is known. */
export async function concludeBack(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  reason: string,
  blamed: string | undefined,
): Promise<void> {
  await finish(parts, walk, trigger, await goBack(walk, reason, blamed))
}

/** Ends a walk that changed nothing live. */
export async function concludeAbandoned(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  reason: string,
): Promise<void> {
  await finish(parts, walk, trigger, await abandon(walk, reason, undefined))
}

function success(members: readonly Member[], trigger: Trigger): Conclusion {
  const proved = trigger === 'announce' || members.every(isProvable)
  return { result: proved ? 'succeeded' : 'applied_unproved', applied: true }
}

async function failure(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  error: unknown,
): Promise<Conclusion> {
  if (error instanceof Parked) throw error
  const blamed = error instanceof NotProved ? error.material : undefined
  return giveUp(parts, walk, trigger, messageOf(error), blamed)
}

async function giveUp(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  reason: string,
  blamed: string | undefined,
): Promise<Conclusion> {
  if (!walk.exposed) return abandon(walk, reason, blamed)
  if (isForwardOnly(parts, walk.plan.members, trigger)) return stand(walk, reason, blamed)
  try {
    parts.journal.turn(walk.plan.id, 'back', reason, blamed)
  } catch {
    parts.events.emit('store.error', parts.clock.now(), { operation: 'journal turn' })
  }
  return goBack(walk, reason, blamed)
}

async function abandon(
  walk: Walk,
  reason: string,
  blamed: string | undefined,
): Promise<Conclusion> {
  const common = { applied: false, ...(blamed !== undefined && { blamed }) }
  try {
    await walk.abandon()
    return { result: 'failed', detail: reason, ...common }
  } catch (error) {
    const detail = `${reason}; nothing was changed, but ${messageOf(error)}`
    return { result: 'needs_attention', detail, ...common }
  }
}

/** The version before has leaked: what is new stays, and whoever was stopped is started. */
async function stand(walk: Walk, reason: string, blamed: string | undefined): Promise<Conclusion> {
  const isEnding = walk.plan.members.some(({ ending }) => ending === true)
  const found = await findingsOf(walk.plan.placements)
  if (!isApplied(found, isEnding)) return abandon(walk, reason, blamed)
  const trouble = await walk.stand().then(
    () => '',
    (error: unknown) => `; ${messageOf(error)}`,
  )
  const detail = `${reason}; the version before is compromised and was not given back${trouble}`
  return { result: 'needs_attention', applied: true, detail }
}

async function goBack(walk: Walk, reason: string, blamed: string | undefined): Promise<Conclusion> {
  const common = { applied: false, ...(blamed !== undefined && { blamed }) }
  try {
    await walk.back()
    return { result: 'rolled_back', detail: reason, ...common }
  } catch (error) {
    if (error instanceof Parked) throw error
    const detail = `${reason}; giving the previous version back failed too: ${messageOf(error)}`
    return { result: 'needs_attention', detail, ...common }
  }
}

/**
 * A compromised version is given back only where the operator said so, or where the next one has leaked, too:
 * neither is better then, and the store has one of them in use.
 */
function isForwardOnly(
  { keys }: EngineParts,
  members: readonly Member[],
  trigger: Trigger,
): boolean {
  const current = (edition: Member['from']) =>
    edition && keys.get(edition.version.material, edition.version.number)
  if (members.some(({ to, ending }) => !ending && current(to)?.compromised)) return false
  return members.some(({ material, from }) => {
    const old = current(from)
    if (!old?.compromised) return old !== undefined && trigger === 'compromise'
    return (old.onFailure ?? material.onFailure) === 'stay-down'
  })
}

async function finish(
  parts: EngineParts,
  walk: Walk,
  trigger: Trigger,
  { result, applied, detail, blamed }: Conclusion,
): Promise<void> {
  const { id, members } = walk.plan
  const { journal, keys, clock, events } = parts
  // The way forward has tidied already: nothing must come between its last look at the marks and this.
  if (detail !== undefined) await walk.tidy()
  const now = clock.now()
  const versions =
    trigger === 'announce' && applied ? [] : versionChanges(members, { applied, result }, keys, now)
  const schedules = members.map(({ material, from, to, ending }) => {
    const active = (applied || ending ? to : from)?.version
    const outcome = parts.settle({
      material: material.name,
      trigger,
      result,
      ...(detail !== undefined && { detail }),
      blamed: blamed === undefined || blamed === material.name,
      alone: members.length === 1,
      ...(active && { active }),
      now,
    })
    return { ...outcome, ...seenBy(parts, applied, trigger, to) }
  })
  journal.finish(id, { result, ...(detail !== undefined && { detail }), versions, schedules, now })
  if (applied) await archivePublicParts(parts, members)
  const rotation = journal.get(id)
  if (!rotation) return
  const { changes, started } = rotation
  const seconds = Math.max(0, now - started) / 1000
  events.emit('rotation.finished', now, {
    id,
    trigger,
    changes,
    result,
    seconds,
    ...(detail !== undefined && { detail }),
  })
  if (applied) announceVersions(parts, members, trigger)
}

function seenBy({ bootId }: EngineParts, applied: boolean, trigger: Trigger, to: Member['to']) {
  if (!applied || !to || trigger === 'announce') return {}
  return { seen: { version: to.version.number, bootId } }
}

function announceVersions(parts: EngineParts, members: readonly Member[], trigger: Trigger): void {
  for (const { material, from, to } of members) {
    const event = trigger === 'announce' ? 'version.announced' : 'version.active'
    emitVersion(parts, event, to && parts.keys.get(material.name, to.version.number))
    const previous = from && parts.keys.get(material.name, from.version.number)
    if (previous?.state !== 'active') emitVersion(parts, 'version.retired', previous)
  }
}

function emitVersion(
  { events, clock }: EngineParts,
  event: 'version.active' | 'version.announced' | 'version.retired',
  version: Version | undefined,
): void {
  if (version) events.emit(event, clock.now(), { version })
}

/** Old proofs stay verifiable: public parts outlive their private ones as plain files. */
async function archivePublicParts(parts: EngineParts, members: readonly Member[]): Promise<void> {
  for (const { material, to } of members) {
    if (!to || !isMadeHere(material)) continue
    for (const [name, part] of Object.entries(material.kind.parts)) {
      if (!part.public) continue
      try {
        const bytes = await to.bytes(name)
        await parts.archive(material.name, to.version.number, name, bytes.bytes)
      } catch {
        parts.events.emit('store.error', parts.clock.now(), { operation: 'archive public part' })
      }
    }
  }
}
