import type { ImpactCount } from '../model/impact.ts'
import type { Engine } from '../rotation/engine.ts'
import type { DescribedMaterial } from './described.ts'

/**
 * Whom a rotation would hit, in numbers; undefined where the config does not say how to count. Never asked
 * while what would be read is being changed: a reader keeps a database from being locked.
 */
export async function impactCountOf(
  { impactCount }: DescribedMaterial,
  engine: Pick<Engine, 'isRotating'>,
): Promise<{ readonly impact_count?: ImpactCount }> {
  if (!impactCount) return {}
  const { unit, reads, ask } = impactCount
  const isBusy = reads.some((material) => engine.isRotating(material))
  return { impact_count: isBusy ? { unit, problem: 'a rotation is under way' } : await ask() }
}

/** `412 users: Every OPAQUE user must register again.` */
export function impactText(impact: string, counted: ImpactCount | undefined): string {
  if (!counted) return impact
  const { unit, count, problem } = counted
  if (count !== undefined) return `${count} ${unit}: ${impact}`
  return `could not count ${unit} (${problem ?? 'it is not known why'}): ${impact}`
}
