import type { Made } from '../materials/kind.ts'
import type { RotationResult, Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { Actor } from '../store/key-store.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { newVersion, wipe } from './adoption.ts'
import { conclude } from './conclusion.ts'
import { refuseForeign, sparesForeign } from './foreign.ts'
import { refuseKnownLeak } from './known-leak.ts'
import type { ManagedMaterial } from './managed.ts'
import { memberOf } from './member-of.ts'
import type { EngineParts } from './outcome.ts'
import { announcementsOf, consumerSteps, type Member, placementsOf } from './plan.ts'
import { preflight } from './preflight.ts'
import { Walk, type WalkPlan } from './walk.ts'

/** What one material is to do in an attempt. */
export interface Draft {
  readonly material: ManagedMaterial
  readonly from?: Version
  /** A version that the store has already … */
  readonly to?: Version
  /** … or how the next one comes about, and from where. */
  readonly make?: (signal: AbortSignal) => Promise<Made>
  readonly origin?: 'generated' | 'imported'
  readonly ending?: boolean
}

export interface Order {
  readonly trigger: Trigger
  readonly actor: Actor
  readonly drafts: readonly Draft[]
}

/**
 * Carries one order out, from the checks to the end of its journal entry.
 * @param begun called with the rotation's id as soon as it has one
 * @returns the id of the finished rotation
 * @throws Parked when rekeyd stops meanwhile; OperatorError `refused` when policy forbids it
 */
export async function attempt(
  parts: EngineParts,
  order: Order,
  park: AbortSignal,
  begun: (id: string) => void,
): Promise<string> {
  const made = new Map<Draft, Made>()
  try {
    await prepare(parts, order, made, park)
    park.throwIfAborted()
  } catch (error) {
    for (const fresh of made.values()) wipe(fresh)
    if (park.aborted || (isRefusal(error) && order.trigger !== 'schedule')) throw error
    return recordFailure(parts, order, error, begun)
  }
  const { rotation, versions } = begin(parts, order, made)
  begun(rotation.id)
  announceStart(parts, rotation.id)
  const members = order.drafts.map((draft) => memberOf(parts, draft, draft.to ? [] : versions))
  const walk = new Walk(parts, walkPlan(rotation.id, order.trigger, members), park)
  try {
    await conclude(parts, walk, order.trigger)
  } finally {
    walk.wipe()
  }
  return rotation.id
}

/** Commits what was made, before anything else sees it. */
function begin(parts: EngineParts, order: Order, made: ReadonlyMap<Draft, Made>) {
  try {
    return parts.journal.begin({
      ...intentOf(order, parts),
      members: order.drafts.map((draft) => {
        const { material, from, to, origin = 'generated' } = draft
        const fresh = made.get(draft)
        return {
          material: material.name,
          ...(from && { from: from.number }),
          ...(to && { to: to.number }),
          ...(fresh && { make: newVersion(material.name, fresh, origin) }),
        }
      }),
    })
  } finally {
    for (const fresh of made.values()) wipe(fresh)
  }
}

/** What a rotation of these members does where, and to whom. */
export function walkPlan(id: string, trigger: Trigger, members: readonly Member[]): WalkPlan {
  const announces = trigger === 'announce'
  const placements = announces ? members.flatMap(announcementsOf) : placementsOf(members)
  return {
    id,
    members,
    placements,
    consumers: consumerSteps(placements),
    proves: !announces,
    sparesForeign: sparesForeign(trigger),
  }
}

export function announceStart({ journal, events, clock }: EngineParts, id: string): void {
  const rotation = journal.get(id)
  if (!rotation) return
  const { trigger, changes } = rotation
  events.emit('rotation.started', clock.now(), { id, trigger, changes })
}

/** Checks everything with a version that is only promised, then makes the real one: issuance may be scarce. */
async function prepare(
  parts: EngineParts,
  { drafts, trigger }: Order,
  made: Map<Draft, Made>,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const members = drafts.map((draft) => memberOf(parts, draft, []))
  if (sparesForeign(trigger)) {
    for (const member of members) await refuseForeign(parts.keys, member)
  }
  await preflight(walkPlan('', trigger, members), trigger, parts.clock, signal)
  for (const draft of drafts) {
    if (!draft.make) continue
    const fresh = await draft.make(signal)
    made.set(draft, fresh)
    refuseKnownLeak(parts.keys, draft.material.name, fresh)
  }
}

/** An attempt that failed before anything was made is history too. */
function recordFailure(
  parts: EngineParts,
  order: Order,
  error: unknown,
  begun: (id: string) => void,
): string {
  const { rotation } = parts.journal.begin({
    ...intentOf(order, parts),
    members: order.drafts.map(({ material, from }) => ({
      material: material.name,
      ...(from && { from: from.number }),
    })),
  })
  begun(rotation.id)
  announceStart(parts, rotation.id)
  const now = parts.clock.now()
  const result: RotationResult = 'failed'
  const detail = messageOf(error)
  const alone = order.drafts.length === 1
  parts.journal.finish(rotation.id, {
    result,
    detail,
    now,
    versions: [],
    schedules: order.drafts.map(({ material, from }) =>
      parts.settle({
        material: material.name,
        trigger: order.trigger,
        result,
        detail,
        blamed: true,
        alone,
        ...(from && { active: from }),
        now,
      }),
    ),
  })
  const { trigger, changes, started } = rotation
  const seconds = Math.max(0, now - started) / 1000
  parts.events.emit('rotation.finished', now, {
    id: rotation.id,
    trigger,
    changes,
    result,
    seconds,
    detail,
  })
  return rotation.id
}

function intentOf({ trigger, actor }: Order, { clock }: EngineParts) {
  return { trigger, actor, now: clock.now() }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof OperatorError && (error.kind === 'refused' || error.kind === 'needs-attention')
  )
}
