import type { Version } from '../model/version.ts'

const hour = 3_600_000

/** How long a version that expires was valid from the start; undefined if it does not expire. Milliseconds. */
export function lifetimeOf(version: Version | undefined): number | undefined {
  if (version?.notAfter === undefined) return undefined
  return Math.max(0, version.notAfter - (version.notBefore ?? version.createdAt))
}

/**
 * From when on nothing may keep a rotation waiting: the last twentieth of its life, and at least the last
 * hour; of one that has leaked, all of it. Windows are ignored then, and a suspended material is tried once a
 * day. Undefined if it does not expire.
 */
export function emergencyLine(version: Version | undefined): number | undefined {
  if (version?.compromised) return version.createdAt
  const lifetime = lifetimeOf(version)
  if (version?.notAfter === undefined || lifetime === undefined) return undefined
  return version.notAfter - Math.max(lifetime / 20, hour)
}
