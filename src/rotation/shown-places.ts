import type { Edition } from '../model/version.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { Placement } from './plan.ts'

// Places that show clients a version beside the one in use: the previous, or the next.

/** It was announced and has failed: clients must not wait for it any longer. */
export function isGivenUp({ action, target, edition, member }: Placement): boolean {
  const isNext = action === 'take' && target.role === 'next'
  return isNext && edition.version.number === member.to?.version.number
}

/** Marked by now: its place is cleared, in either direction. */
export function hasLeaked(keys: KeyStore, { target, edition }: Placement): boolean {
  return target.role !== 'active' && isMarked(keys, edition)
}

/**
 * What else has leaked and may stand there, from before this rotation or from an earlier try of it: a target
 * takes away only what it is told to.
 */
export function leakedAt(
  keys: KeyStore,
  { member, target, edition }: Placement,
): readonly Edition[] {
  if (target.role !== 'previous') return []
  return [member.retiring, member.from].flatMap((other) => {
    const isOther = other && other.version.number !== edition.version.number
    return isOther && isMarked(keys, other) ? [other] : []
  })
}

function isMarked(keys: KeyStore, { version }: Edition): boolean {
  return keys.get(version.material, version.number)?.compromised === true
}
