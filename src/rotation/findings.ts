import type { Finding } from '../targets/target.ts'
import { inspectTarget } from './inspection.ts'
import type { Placement } from './plan.ts'

/** What the places of a rotation were seen to hold. */
export interface Findings {
  /** Those that hold their edition already. */
  readonly done: ReadonlySet<Placement>
  /** Those that could not tell. */
  readonly unsure: ReadonlySet<Placement>
  /** Nothing new is anywhere. What could not be told may be new. */
  readonly allOld: boolean
}

/** Asks every place what it holds. Read-only. */
export async function findingsOf(placements: readonly Placement[]): Promise<Findings> {
  const done = new Set<Placement>()
  const unsure = new Set<Placement>()
  let allOld = true
  for (const placement of placements) {
    const { target, edition, previous, action } = placement
    const finding = await inspectTarget(target, previous ? [edition, previous] : [edition])
    const holdsIt = finding.holds === 'version' && finding.number === edition.version.number
    if (action === 'put' && holdsIt) done.add(placement)
    if (finding.holds === 'unknown') unsure.add(placement)
    allOld &&= isClearing(placement) || isOld(placement, finding)
  }
  return { done, unsure, allOld }
}

/** Whether what is new may be in use anywhere, or an overlap has ended. */
export function isApplied({ done, unsure, allOld }: Findings, isEnding: boolean): boolean {
  if (isEnding) return !allOld
  return [...done, ...unsure].some(({ target }) => target.role === 'active')
}

function isOld({ action, edition }: Placement, finding: Finding): boolean {
  if (finding.holds === 'unknown') return false
  if (action === 'take') return finding.holds !== 'nothing'
  return finding.holds !== 'version' || finding.number !== edition.version.number
}

/** What has leaked is taken away from clients whatever becomes of the rotation; it may never have been there. */
function isClearing({ action, target, member, edition }: Placement): boolean {
  if (action === 'put' || member.ending || target.role !== 'previous') return false
  return edition.version.compromised
}
