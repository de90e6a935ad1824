import type { MadeHere } from '../materials/kind.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import { adoptable, wipe } from '../rotation/adoption.ts'
import { foreignPlaces } from '../rotation/foreign.ts'
import { type Inspected, inspectMaterial } from '../rotation/inspection.ts'
import { isMadeHere, type ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import { attempt, failure, ok, warning } from './finding.ts'
import type { MaterialCheck } from './subject.ts'
import { placeOf } from './targets.ts'

/** Whether the places hold what the store says, or something that the next start could adopt. */
export const holdings: MaterialCheck = async (material, { keys, store }) => {
  if (!isMadeHere(material)) return []
  if (store?.knows(material.name)) return compare(material, keys)
  return [await attempt('adoptable', { material: material.name }, () => adoption(material, keys))]
}

async function compare(
  material: ManagedMaterial<MadeHere>,
  keys: KeyStore,
): Promise<readonly DoctorFinding[]> {
  const active = keys.active(material.name)?.number
  const inspected = await inspectMaterial(material, keys)
  return inspected.flatMap((one) =>
    one.target.role === 'active' ? [judged(material.name, one, active)] : [],
  )
}

function judged(
  material: string,
  { target, finding }: Inspected,
  active: number | undefined,
): DoctorFinding {
  const where = { material, place: placeOf(target) }
  const check = 'target-holds'
  switch (finding.holds) {
    case 'version': {
      if (finding.number === active) return ok(check, `holds version ${active}`, where)
      const message = `holds version ${finding.number}, and version ${active} is active`
      return warning(
        check,
        message,
        `\`rekeyd apply ${material}\` writes the active version`,
        where,
      )
    }
    case 'something else': {
      const why = finding.detail === undefined ? '' : ` (${finding.detail})`
      const hint = `\`rekeyd adopt ${material}\` takes what is there, \`rekeyd apply ${material}\` writes over it`
      return failure(check, `holds a ${material} that rekeyd does not know${why}`, hint, where)
    }
    case 'nothing':
      return target.offline
        ? failure(check, 'there is nothing', 'check the path', where)
        : warning(
            check,
            'holds nothing',
            `\`rekeyd apply ${material}\` writes the active version`,
            where,
          )
    case 'unknown':
      return warning(
        check,
        `cannot be looked at: ${finding.detail}`,
        'see why; it is no drift',
        where,
      )
  }
}

/** What the next start would do with a material that the store does not know. */
async function adoption(
  material: ManagedMaterial<MadeHere>,
  keys: KeyStore,
): Promise<string | DoctorFinding> {
  const { name, onMissing, targets } = material
  const made = await adoptable(material, keys)
  if (made) {
    wipe(made)
    return 'what is in use would be adopted'
  }
  const places = foreignPlaces(await inspectMaterial(material, keys))
  const where = { material: name }
  if (places.length > 0) {
    const message = `${places.join(' and ')} holds something that cannot be adopted`
    return failure('adoptable', message, 'put a value there that is one, or remove it', where)
  }
  if (onMissing === 'create')
    return 'nothing is there yet: the next start would make the first version'
  const all = targets.map(placeOf).join(', ')
  const message = `none of ${all} holds one, and on_missing is refuse`
  return failure(
    'adoptable',
    message,
    'correct the path, or set on_missing: create to make a first one',
    where,
  )
}
