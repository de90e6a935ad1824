import type { Version } from '../model/version.ts'
import { messageOf } from '../support/operator-error.ts'
import { adopt } from './adoption.ts'
import { foreignPlaces } from './foreign.ts'
import { type Inspected, inspectMaterial } from './inspection.ts'
import { isMadeByConsumer, isMadeHere, type ManagedMaterial } from './managed.ts'
import { noteObserved } from './observed.ts'
import type { EngineParts } from './outcome.ts'

/** A target that does not hold what the store says is active. */
export interface Drift {
  readonly where: 'target'
  readonly place: string
  readonly detail: string
}

/** What is to be done about a material at start. */
export type Answer =
  | { readonly do: 'nothing' }
  /** Write the active version again: a rename was lost in a power cut. */
  | { readonly do: 'rewrite' }
  /** Make the first version: nothing is there, and the configuration says `create`. */
  | { readonly do: 'create' }
  /** A person decides: `adopt`, `apply` or `--force`. */
  | { readonly do: 'block'; readonly reason: string }

/** Marks the attention that reconcile itself raised, so that it can lift it again. */
export const driftPrefix = 'drift: '
const missingPrefix = 'missing: '
/** … and the one that a recovery left, which is tried again with the next rotation. */
export const unfinishedPrefix = 'unfinished: '

/** What the targets hold that the active version is not. Unknown is no drift. */
export function driftOf(
  active: Version | undefined,
  inspected: readonly Inspected[],
): readonly Drift[] {
  if (!active) return []
  return inspected.flatMap(({ target, finding }): readonly Drift[] => {
    if (target.role !== 'active' || finding.holds === 'unknown') return []
    if (finding.holds === 'version' && finding.number === active.number) return []
    const { path, key } = target.place
    const place = key === undefined ? path : `${path} ${key}`
    const what = finding.holds === 'version' ? `version ${finding.number}` : finding.holds
    return [{ where: 'target', place, detail: `holds ${what} instead of version ${active.number}` }]
  })
}

/** Compares one material with its targets at start, and adopts what is there when it is new to the store. */
export async function reconcile(
  parts: EngineParts,
  material: ManagedMaterial,
): Promise<{ readonly answer: Answer; readonly inspected: readonly Inspected[] }> {
  if (isMadeByConsumer(material)) {
    await noteObserved(parts, material, { who: 'schedule' }, AbortSignal.timeout(30_000)).catch(
      () => {},
    )
    return { answer: { do: 'nothing' }, inspected: [] }
  }
  if (parts.keys.active(material.name)) return compare(parts, material)
  return {
    answer: await establish(parts, material),
    inspected: await inspectMaterial(material, parts.keys),
  }
}

async function establish(parts: EngineParts, material: ManagedMaterial): Promise<Answer> {
  if (!isMadeHere(material)) return { do: 'nothing' }
  try {
    await material.permit?.()
    if (await adopt(material, parts, { who: 'schedule', why: 'first start' })) {
      return { do: 'nothing' }
    }
    const foreign = foreignPlaces(await inspectMaterial(material, parts.keys))
    if (foreign.length > 0) {
      const reason = `${foreign.join(' and ')} holds something that cannot be adopted`
      return { do: 'block', reason: missingPrefix + reason }
    }
  } catch (error) {
    return { do: 'block', reason: `${missingPrefix}${messageOf(error)}` }
  }
  if (material.onMissing === 'create') return { do: 'create' }
  const places = material.targets.map(({ place }) => place.path)
  return {
    do: 'block',
    reason: `${missingPrefix}none of ${places.join(', ')} holds one, and on_missing is refuse`,
  }
}

async function compare(parts: EngineParts, material: ManagedMaterial) {
  const { keys, schedule, bootId } = parts
  const active = keys.active(material.name)
  const inspected = await inspectMaterial(material, keys)
  const drift = driftOf(active, inspected)
  const state = schedule.get(material.name)
  if (active && drift.length === 0) {
    if (inspected.some(({ finding }) => finding.holds === 'version')) {
      schedule.set({ ...state, seen: { version: active.number, bootId } })
    }
    return { answer: { do: 'nothing' } as const, inspected }
  }
  const answer: Answer = isLostRename(parts, material, inspected)
    ? { do: 'rewrite' }
    : {
        do: 'block',
        reason: driftPrefix + drift.map(({ place, detail }) => `${place} ${detail}`).join('; '),
      }
  return { answer, inspected }
}

/**
 * After a power cut an unsynced directory may show the old name again. That is believed only when the
 * machine booted since the rotation finished, nobody has seen the new value since, and what is there is
 * exactly the version before; anything else is somebody's edit.
 */
function isLostRename(
  { keys, schedule, bootId }: EngineParts,
  { name }: ManagedMaterial,
  inspected: readonly Inspected[],
): boolean {
  const active = keys.active(name)
  const seen = schedule.get(name).seen
  if (!active || seen?.version !== active.number || seen.bootId === bootId) return false
  const before = keys
    .list(name)
    .filter(({ activeSince, number }) => activeSince !== undefined && number !== active.number)
    .toSorted((a, b) => (b.activeSince ?? 0) - (a.activeSince ?? 0))[0]
  return inspected
    .filter(({ target }) => target.role === 'active')
    .every(
      ({ finding }) =>
        finding.holds === 'unknown' ||
        (finding.holds === 'version' &&
          (finding.number === active.number || finding.number === before?.number)),
    )
}

/** Whether an attention was raised at start, and ends when the targets agree again. */
export function isReconcileAttention(attention = ''): boolean {
  const prefixes = [driftPrefix, missingPrefix, unfinishedPrefix]
  return prefixes.some((prefix) => attention.startsWith(prefix))
}
