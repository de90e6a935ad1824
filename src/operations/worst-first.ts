import type { MaterialState } from '../model/material.ts'
import { severities, standingOf } from './standing.ts'
import type { MaterialView } from './views.ts'

/** From what needs somebody to what needs nobody. */
const urgency: readonly MaterialState[] = [
  'needs_attention',
  'suspended',
  'retrying',
  'awaiting_approval',
  'rotating',
  'due',
  'paused',
  'idle',
]

/** The worst first, then by what comes next, then by name. @param now epoch milliseconds */
export function worstFirst(materials: readonly MaterialView[], now: number): MaterialView[] {
  const rank = (material: MaterialView) => [
    -severities.indexOf(standingOf(material, now).severity),
    urgency.indexOf(material.state),
    Date.parse(material.next_rotation ?? '9999-01-01T00:00:00Z'),
  ]
  const ranked = materials.map((material) => ({ material, rank: rank(material) }))
  ranked.sort((a, b) => {
    const difference = a.rank.map((value, at) => value - (b.rank[at] ?? 0)).find(Boolean)
    return difference ?? (a.material.name < b.material.name ? -1 : 1)
  })
  return ranked.map(({ material }) => material)
}
