import type { MadeHere } from '../materials/kind.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import { isMadeHere } from '../rotation/managed.ts'
import { impassable, mayRead } from '../support/reading-rights.ts'
import type { TargetFile } from '../targets/target.ts'
import { warning } from './finding.ts'
import type { MaterialCheck } from './subject.ts'

/** Anybody: no user and no group of the host. */
const anybody = { uid: 0xffff_fffe, gids: [] }

/** Secrets that everybody on the host could read. */
export const exposure: MaterialCheck = async (material) => {
  if (!isMadeHere(material)) return []
  const findings: DoctorFinding[] = []
  for (const target of material.targets) {
    const files = (await target.files?.().catch(() => [])) ?? []
    for (const file of files.filter((one) => isSecret(one, material.kind))) {
      if (!mayRead(file, anybody) || (await impassable(file.path, anybody)) !== undefined) continue
      const mode = file.mode.toString(8).padStart(4, '0')
      findings.push(
        warning(
          'secret-exposed',
          `every user of this host can read it: mode ${mode}`,
          `chmod o-r ${file.path}, and set the target's mode where it has one`,
          { material: material.name, place: file.path },
        ),
      )
    }
  }
  return findings
}

function isSecret({ part, sealed }: TargetFile, { parts }: MadeHere): boolean {
  const name = part ?? Object.keys(parts)[0] ?? ''
  return !sealed && parts[name]?.public !== true
}
