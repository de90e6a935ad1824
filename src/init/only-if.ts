/** The items, or none: for lists whose entries depend on what a host has. */
export function onlyIf<T>(condition: boolean, ...items: readonly T[]): readonly T[] {
  return condition ? items : []
}
