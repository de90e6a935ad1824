import type { Change, Rotation } from '../model/rotation.ts'
import type { OnFailure, Version } from '../model/version.ts'
import type { Actor } from '../store/key-store.ts'
import { attempt } from './attempt.ts'
import * as drafts from './drafts.ts'
import { isMadeByConsumer, type ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import { provokeNext } from './provoked.ts'

/** A consumer may refuse one value and take the next; after so many a person is needed. */
const mostValues = 3
/** How far back to look for the rotation that has replaced what is marked. */
const recent = 10

/**
 * Marks every version that somebody else may have: the one in use, those in overlap, and one that was
 * announced. What a rotation under way has just made is what takes their place, and is not marked. The mark
 * holds from now on; should this process die before a new version is there, it is due at once.
 * @param rotating whether a rotation of it is under way in this process
 * @returns the numbers of the versions
 */
export function markCompromised(
  parts: EngineParts,
  name: string,
  rotating: boolean,
  onFailure: OnFailure | undefined,
  actor: Actor,
): readonly number[] {
  const { keys, schedule, clock } = parts
  const known = keys.list(name)
  const fresh = rotating ? freshOf(parts, name) : undefined
  const live = known.filter(({ state }) => ['prepared', 'active', 'retiring'].includes(state))
  const shown = live.filter((version) => version.number !== fresh)
  const marked = (shown.length > 0 ? shown : live).map(({ number }) => number)
  keys.compromise(name, marked, actor, onFailure)
  schedule.set({ ...schedule.get(name), due: clock.now() })
  return marked
}

/**
 * Replaces what was marked by a fresh version. Where a rotation that was under way has done so meanwhile, only
 * an overlap that is left of it ends.
 * @param material without overlap
 * @returns the id of the last rotation
 */
export async function replaceCompromised(
  parts: EngineParts,
  material: ManagedMaterial,
  marked: readonly number[],
  actor: Actor,
  park: AbortSignal,
  begun: (id: string) => void,
): Promise<string> {
  const done = replacementOf(parts, material.name, marked)
  if (done) return (await endOverlap(parts, material, actor, park, begun)) ?? done.id
  const trigger = 'compromise' as const
  if (isMadeByConsumer(material)) {
    return provokeNext(parts, material, { trigger, actor }, park, begun)
  }
  for (let value = 1; ; value += 1) {
    const order = { trigger, actor, drafts: [await drafts.replacement(parts, material)] }
    const id = await attempt(parts, order, park, begun)
    if (value === mostValues || !standsUnproved(parts, material.name, id)) return id
  }
}

/** The version that a rotation made in the middle of which this was asked for: nobody had it before. */
function freshOf({ journal, keys }: EngineParts, name: string): number | undefined {
  for (const { rotation } of journal.unfinished()) {
    const { to } = rotation.changes.find(({ material }) => material === name) ?? {}
    if (to === undefined || rotation.trigger === 'announce' || rotation.tries > 1) continue
    const version = keys.get(name, to)
    if (version && version.createdAt >= rotation.started) return to
  }
  return undefined
}

/** The good rotation to the version in use, where that is newer than everything marked. */
function replacementOf(
  { keys, journal }: EngineParts,
  name: string,
  marked: readonly number[],
): Rotation | undefined {
  const active = keys.active(name)
  if (!active || !isNewer(active, marked)) return undefined
  const made = ({ material, to }: Change) => material === name && to === active.number
  return journal
    .history({ material: name, limit: recent })
    .find(
      ({ result, changes, trigger }) =>
        (result === 'succeeded' || result === 'applied_unproved') &&
        trigger !== 'overlap-end' &&
        changes.some(made),
    )
}

function isNewer({ number, compromised }: Version, marked: readonly number[]): boolean {
  return !compromised && marked.length > 0 && marked.every((old) => old < number)
}

/** It was written where clients look for the previous version before the mark came. */
async function endOverlap(
  parts: EngineParts,
  material: ManagedMaterial,
  actor: Actor,
  park: AbortSignal,
  begun: (id: string) => void,
): Promise<string | undefined> {
  const draft = drafts.ending(parts, material)
  if (!draft?.from?.compromised) return undefined
  return attempt(parts, { trigger: 'overlap-end', actor, drafts: [draft] }, park, begun)
}

/** The new version is in place, and its verifier said no. */
function standsUnproved({ journal, keys }: EngineParts, name: string, id: string): boolean {
  const rotation = journal.get(id)
  const { to } = rotation?.changes.find(({ material }) => material === name) ?? {}
  return (
    rotation?.result === 'needs_attention' &&
    keys.active(name)?.number === to &&
    rotation.steps.some(
      ({ name, direction, outcome }) =>
        name === 'verify' && direction === 'forward' && outcome === 'failed',
    )
  )
}
