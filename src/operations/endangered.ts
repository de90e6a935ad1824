import type { Endangered } from './views.ts'

/** What has to be known of a material to say what is in danger with it. */
export interface Container {
  readonly name: string
  readonly kind: string
  /** Names of the materials that whoever has this one has, too. */
  readonly contains?: readonly string[]
  readonly impact?: string
}

/**
 * What whoever has `name` has, too, directly or through something that is in it; the nearest first, each
 * once. Cycles are fine.
 */
export function endangeredBy(name: string, materials: readonly Container[]): readonly Endangered[] {
  const byName = new Map(materials.map((material) => [material.name, material]))
  const paths = new Map<string, readonly string[]>([[name, []]])
  for (const [holder, path] of paths) {
    for (const inside of byName.get(holder)?.contains ?? []) {
      if (byName.has(inside) && !paths.has(inside)) paths.set(inside, [...path, holder])
    }
  }
  paths.delete(name)
  return [...paths].flatMap(([material, through]) => {
    const { kind, impact } = byName.get(material) ?? {}
    if (kind === undefined) return []
    const command = `rekeyd compromise ${material}`
    return [{ material, kind, through, ...(impact !== undefined && { impact }), command }]
  })
}

/** The other way round: with which materials `name` may have leaked. */
export function containersOf(name: string, materials: readonly Container[]): readonly string[] {
  return materials
    .filter((other) =>
      endangeredBy(other.name, materials).some(({ material }) => material === name),
    )
    .map((other) => other.name)
}
