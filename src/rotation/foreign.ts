import type { Trigger } from '../model/rotation.ts'
import type { KeyStore } from '../store/key-store.ts'
import { OperatorError } from '../support/operator-error.ts'
import { type Inspected, inspectMaterial, inspectTarget } from './inspection.ts'
import { type Member, type Placement, subjectOf } from './plan.ts'

/** What a person has asked for knowing what is there, or what leaves the active places alone. */
const regardless: ReadonlySet<Trigger> = new Set([
  'apply',
  'compromise',
  'rollback',
  'announce',
  'overlap-end',
])

/** Whether a rotation must not write over what the store does not know. */
export function sparesForeign(trigger: Trigger): boolean {
  return !regardless.has(trigger)
}

/**
 * Refuses to write over what the store does not know: nobody could ever give that back.
 * @throws OperatorError `needs-attention`, naming the places
 */
export async function refuseForeign(keys: KeyStore, { material }: Member): Promise<void> {
  const places = foreignPlaces(await inspectMaterial(material, keys))
  if (places.length === 0) return
  const { name } = material
  throw new OperatorError(`${places.join(' and ')} holds a ${name} that rekeyd does not know`, {
    kind: 'needs-attention',
    hint: `nothing was changed; \`rekeyd adopt ${name}\` takes what is there, \`rekeyd apply ${name}\` writes over it`,
  })
}

/** Active places that hold something that is no version of the store. */
export function foreignPlaces(inspected: readonly Inspected[]): readonly string[] {
  return inspected.flatMap(({ target, finding }) => {
    if (target.role !== 'active' || finding.holds !== 'something else') return []
    const { path, key } = target.place
    return [key === undefined ? path : `${path} ${key}`]
  })
}

/** Whether it was seen to hold neither the one version nor the other. */
export async function isStrange({ target, edition, previous }: Placement): Promise<boolean> {
  const finding = await inspectTarget(target, previous ? [edition, previous] : [edition])
  return finding.holds === 'something else'
}

/** A value came meanwhile that no version explains. */
export function edited(placements: readonly Placement[]): OperatorError {
  const places = placements.map(subjectOf).join(' and ')
  return new OperatorError(`somebody has put another value into ${places}: it was left as it is`)
}
