import type { Item } from './agenda.ts'
import type { ScheduledMaterial } from './scheduled-material.ts'

/** A material that could take part in a rotation. */
export interface Candidate {
  readonly material: ScheduledMaterial
  /** Its next rotation, as its agenda says. */
  readonly item: Item
  /** Consecutive failures. */
  readonly failures: number
}

/**
 * Who rotates together with `lead`, so that there is one restart instead of three: what shares a consumer
 * with it and is due in the same occurrence of the same window. Who failed before is tried alone.
 * @param now epoch milliseconds; `lead` is due
 * @param others in the order in which they are preferred; `lead` may be among them
 */
export function rotationSet(
  lead: Candidate,
  others: readonly Candidate[],
  now: number,
): readonly string[] {
  const set = [lead.material]
  const until = lastMoment(lead, now)
  for (const other of lead.failures > 0 ? [] : others) {
    const isDue = other.item.at <= until && other.item.window === lead.item.window
    if (isDue && other.failures === 0 && fits(other.material, set)) set.push(other.material)
  }
  return set.map(({ name }) => name)
}

/** Within a window until it closes, otherwise only what is due already. */
function lastMoment({ material, item }: Candidate, now: number): number {
  if (item.window === undefined) return now
  return (material.window?.currentOccurrence(now)?.end ?? now + 1) - 1
}

/** Shares a consumer with the first, is in the set not yet, and is kept apart from nobody in it. */
function fits(material: ScheduledMaterial, set: readonly ScheduledMaterial[]): boolean {
  const shares = set[0]?.consumers.some((consumer) => material.consumers.includes(consumer))
  return shares === true && set.every((member) => mayJoin(member, material))
}

function mayJoin(one: ScheduledMaterial, other: ScheduledMaterial): boolean {
  const apart = one.apart?.includes(other.name) || other.apart?.includes(one.name)
  return one.name !== other.name && !apart
}
