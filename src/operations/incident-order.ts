/** What decides when it is a material's turn. */
export interface Lined {
  readonly name: string
  readonly contains?: readonly string[]
  readonly consumers: readonly string[]
}

/**
 * The order in which everything on a host is replaced after somebody broke in: a container before what is in
 * it, since a fresh value under a leaked key is as good as leaked; beside that, materials of the same consumer
 * one after the other, so that no server is disturbed early and late; otherwise as configured. Where
 * materials contain each other, the first that is configured begins.
 */
export function incidentOrder<M extends Lined>(materials: readonly M[]): readonly M[] {
  const left = [...materials]
  const ordered: M[] = []
  while (left.length > 0) {
    const free = left.filter((material) => !left.some((other) => isIn(material, other)))
    const last = ordered.at(-1)
    const next =
      free.find((material) => last && shareConsumer(material, last)) ?? free[0] ?? left[0]
    if (!next) break
    ordered.push(next)
    left.splice(left.indexOf(next), 1)
  }
  return ordered
}

function isIn(material: Lined, container: Lined): boolean {
  return container !== material && (container.contains ?? []).includes(material.name)
}

function shareConsumer(one: Lined, other: Lined): boolean {
  return one.consumers.some((consumer) => other.consumers.includes(consumer))
}
