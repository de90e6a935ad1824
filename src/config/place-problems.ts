import { dirname } from 'node:path'
import { isWithin } from '../support/safe-path.ts'
import type { Config } from './config.ts'
import type { Instances, TargetInstance } from './instances.ts'
import type { Path, Problem } from './problem.ts'

/** Targets that would overwrite each other, or files of rekeyd's own. */
export function placeProblems(config: Config, { materials }: Instances): Problem[] {
  const targets = materials
    .flatMap((material) => material.targets)
    // What a command writes is its own business.
    .filter(({ target }) => target.place.reads !== 'command')
  const byPath = Map.groupBy(targets, ({ target }) => target.place.path)
  return [
    ...targets.flatMap((target) => ownFileProblems(target, config)),
    ...[...byPath.values()].flatMap(sharedProblems),
    ...targets.flatMap((target) => nestedProblems(target, byPath)),
  ]
}

function ownFileProblems({ path, target }: TargetInstance, config: Config): Problem[] {
  if (target.type === 'store_key') return []
  const place = target.place.path
  const { storeKey, stateDir, http } = config
  if (isWithin(place, stateDir)) {
    return [{ path, message: `a target cannot lie in rekeyd's own folder ${stateDir}` }]
  }
  if (place === config.path) return [{ path, message: 'a target cannot be this config' }]
  if ('file' in storeKey && place === storeKey.file) {
    return [{ path, message: 'a target cannot be the store key' }]
  }
  if (place === http?.tokens) return [{ path, message: 'a target cannot be the API tokens' }]
  return []
}

/** Of targets in one file, each against those before it. */
function sharedProblems(sharing: readonly TargetInstance[]): Problem[] {
  return sharing.flatMap((later, index) => {
    for (const earlier of sharing.slice(0, index)) {
      const why = conflict(earlier, later)
      if (why) return [{ path: later.path, message: `${why} (${written(earlier.path)})` }]
    }
    return []
  })
}

function conflict({ target: one }: TargetInstance, { target: other }: TargetInstance) {
  const { key, path } = other.place
  const what = key === undefined ? path : `\`${key}\` in ${path}`
  if (one.place.key === key) return `${what} is written by another target already`
  if (one.place.reads === 'database' && other.place.reads === 'database') return undefined
  if (one.place.key === undefined || key === undefined) {
    return `one target writes all of ${path}, another one key in it`
  }
  if (one.type !== other.type) return `${path} cannot be both ${one.type} and ${other.type}`
  if (isInside(key, one.place.key) || isInside(one.place.key, key)) {
    return `${what} overlaps \`${one.place.key}\`, which is written by another target`
  }
  return undefined
}

/** Keys that are pointers nest. */
function isInside(key: string, outer: string): boolean {
  return outer.startsWith('/') && key.startsWith(`${outer}/`)
}

function nestedProblems(
  { path, target }: TargetInstance,
  byPath: ReadonlyMap<string, readonly TargetInstance[]>,
): Problem[] {
  let folder = dirname(target.place.path)
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const [around] = byPath.get(folder) ?? []
    if (around) {
      const message = `${target.place.path} lies inside another target (${written(around.path)})`
      return [{ path, message }]
    }
  }
  return []
}

/** `materials.a.targets[0]` */
function written(path: Path): string {
  const [section, name, list, index] = path
  return `${section}.${name}.${list}[${index}]`
}
