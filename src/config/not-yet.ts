import { valueAt } from './explain.ts'
import type { Path, Problem } from './problem.ts'

/**
 * What the schema knows and this version does not do. Refused, so that nobody believes in a
 * notice that never comes. `*` stands for any name.
 */
export const notYet: readonly (readonly string[])[] = []

/** A problem for each of them that the config asks for. */
export function notYetProblems(config: unknown): Problem[] {
  return notYet.flatMap((pattern) =>
    expand(config, pattern)
      .filter((path) => ![undefined, false].includes(valueAt(config, path) as undefined))
      .map((path) => ({
        path,
        at: 'key' as const,
        message: `\`${pattern.at(-1)}\` is not in this version; remove it`,
      })),
  )
}

function expand(config: unknown, pattern: readonly string[]): Path[] {
  let paths: Path[] = [[]]
  for (const segment of pattern) {
    paths = paths.flatMap((path) => {
      const names = segment === '*' ? Object.keys(Object(valueAt(config, path))) : [segment]
      return names.map((name) => [...path, name])
    })
  }
  return paths
}
