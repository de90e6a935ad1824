import { incidentOrder } from '../../operations/incident-order.ts'
import type { MaterialView } from '../../operations/views.ts'

/** A material in its place, and whether it is left alone. */
export interface Turn {
  readonly material: MaterialView
  readonly replaced: boolean
}

/**
 * Whose turn it is, one after the other. What was made since the incident began is not replaced again, so
 * that whoever was interrupted can begin anew; unless what holds it is older: then it has leaked with that.
 * @param since epoch milliseconds
 */
export function turnsOf(materials: readonly MaterialView[], since: number): readonly Turn[] {
  const made = new Map<string, number>()
  return incidentOrder(materials).map((material) => {
    const { name } = material
    const own = madeAt(material)
    const holders = materials.filter((other) => other !== material && holds(other, name))
    const replaced =
      own >= since && holders.every((holder) => (made.get(holder.name) ?? Infinity) <= own)
    if (replaced) made.set(name, own)
    return { material, replaced }
  })
}

/** What to type for one material where nobody can be asked. */
export function commandOf({ name, impact }: MaterialView): string {
  const command = `rekeyd compromise ${name}`
  return impact === undefined ? command : `${command} --accept-impact=${name}`
}

/** When the version in use was made; before all time for one that has leaked. */
function madeAt({ active }: MaterialView): number {
  return active === undefined || active.compromised ? -Infinity : Date.parse(active.created)
}

function holds({ contains = [] }: MaterialView, name: string): boolean {
  return contains.includes(name)
}
