import type { DoctorFinding } from '../operations/outlook.ts'
import type { Target } from '../targets/target.ts'
import { attempt } from './finding.ts'
import type { MaterialCheck } from './subject.ts'

/** Whether each place could be changed: by making, syncing and removing a file with the wanted owner and mode there. */
export const targets: MaterialCheck = async ({ name, targets }, _subject, signal) => {
  const findings: DoctorFinding[] = []
  // One after the other: those that share a file try it under the same name.
  for (const target of targets) {
    const where = { material: name, place: placeOf(target) }
    findings.push(
      await attempt('target-writable', where, async () => {
        await target.check(signal)
        return target.place.reads === 'command' ? 'its programs are there' : 'it could be replaced'
      }),
    )
  }
  return findings
}

/** The path, and the key in it. */
export function placeOf({ place: { path, key } }: Target): string {
  return key === undefined ? path : `${path} ${key}`
}
