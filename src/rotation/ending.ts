import type { RotationResult } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { KeyStore, VersionChange } from '../store/key-store.ts'
import { type Member, overlaps } from './plan.ts'

/** What a finished rotation makes of its versions; `applied` says whether the new ones stay in use. */
export function versionChanges(
  members: readonly Member[],
  { applied, result }: { readonly applied: boolean; readonly result: RotationResult },
  keys: KeyStore,
  now: number,
): readonly VersionChange[] {
  return members.flatMap((member) => {
    const from = current(member.from, keys)
    const to = current(member.to, keys)
    if (!applied) return to && !staysAnnounced(member, result) ? abandoned(member, to, now) : []
    if (member.ending) return from ? [{ ...reference(from), event: 'withdraw' as const }] : []
    if (!to || to.state === 'active') return []
    return [...retired(member, from, to, keys, now), activated(to)]
  })
}

/** Clients know it already, so it is given up only once it was tried. */
function staysAnnounced({ announced, to }: Member, result: RotationResult): boolean {
  if (result !== 'failed' || !announced) return false
  return announced.version.number === to?.version.number
}

function activated(to: Version): VersionChange {
  return { ...reference(to), event: to.state === 'prepared' ? 'activate' : 'reactivate' }
}

function abandoned({ material }: Member, version: Version, now: number): readonly VersionChange[] {
  if (version.state !== 'prepared') return []
  return [{ ...reference(version), event: 'abandon', keepUntil: now + material.keep }]
}

/**
 * The version given up, and whatever was still in overlap or announced earlier: only one previous version has a
 * place, and no next rotation goes back to an older announcement.
 */
function retired(
  member: Member,
  from: Version | undefined,
  to: Version,
  keys: KeyStore,
  now: number,
): readonly VersionChange[] {
  const { material } = member
  const keepUntil = now + Math.max(material.keep, material.overlap)
  const earlier = keys.list(material.name).flatMap((version): readonly VersionChange[] => {
    if (version.number === to.number) return []
    if (version.state === 'retiring') return [{ ...reference(version), event: 'withdraw' }]
    return version.number < to.number ? abandoned(member, version, now) : []
  })
  if (!from || from.state !== 'active') return earlier
  // Marked as compromised in the middle: clients were shown it already, so its overlap ends at once.
  const overlapUntil = from.compromised ? now : now + material.overlap
  const change: VersionChange = overlaps(member)
    ? { ...reference(from), event: 'retire', overlapUntil, keepUntil }
    : { ...reference(from), event: 'withdraw', keepUntil }
  return [...earlier, change]
}

function current(edition: Member['from'], keys: KeyStore): Version | undefined {
  return edition && keys.get(edition.version.material, edition.version.number)
}

function reference({ material, number }: Version) {
  return { material, number }
}
