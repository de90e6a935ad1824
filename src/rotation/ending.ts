import type { Version } from '../model/version.ts'
import type { KeyStore, VersionChange } from '../store/key-store.ts'
import type { Member } from './plan.ts'

/** What a finished rotation makes of its versions; `applied` says whether the new ones stay in use. */
export function versionChanges(
  members: readonly Member[],
  applied: boolean,
  keys: KeyStore,
  now: number,
): readonly VersionChange[] {
  return members.flatMap((member) => {
    const from = current(member.from, keys)
    const to = current(member.to, keys)
    if (member.ending) {
      return from && applied ? [{ ...reference(from), event: 'withdraw' as const }] : []
    }
    if (!applied) return to ? abandoned(to, now + member.material.keep) : []
    return [...retired(member, from, to, keys, now), ...(to ? activated(to) : [])]
  })
}

function activated(to: Version): readonly VersionChange[] {
  if (to.state === 'active') return []
  return [{ ...reference(to), event: to.state === 'prepared' ? 'activate' : 'reactivate' }]
}

function abandoned(to: Version, keepUntil: number): readonly VersionChange[] {
  return to.state === 'prepared' ? [{ ...reference(to), event: 'abandon', keepUntil }] : []
}

/** The version given up, and whatever was still in overlap: only one previous version has a place. */
function retired(
  { material }: Member,
  from: Version | undefined,
  to: Version | undefined,
  keys: KeyStore,
  now: number,
): readonly VersionChange[] {
  const earlier = keys
    .list(material.name)
    .filter(({ state, number }) => state === 'retiring' && number !== to?.number)
    .map((version) => ({ ...reference(version), event: 'withdraw' as const }))
  if (!from || from.state !== 'active') return earlier
  const keepUntil = now + Math.max(material.keep, material.overlap)
  const overlaps = material.overlap > 0 && !from.compromised
  const change: VersionChange = overlaps
    ? { ...reference(from), event: 'retire', overlapUntil: now + material.overlap, keepUntil }
    : { ...reference(from), event: 'withdraw', keepUntil }
  return [...earlier, change]
}

function current(edition: Member['from'], keys: KeyStore): Version | undefined {
  return edition && keys.get(edition.version.material, edition.version.number)
}

function reference({ material, number }: Version) {
  return { material, number }
}
