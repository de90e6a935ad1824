import type { DoctorFinding, DoctorView } from '../operations/outlook.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import { accountName } from '../support/account-name.ts'
import { OperatorError } from '../support/operator-error.ts'
import { consumers } from './consumers.ts'
import { exposure } from './exposure.ts'
import { failureOf, warning, worstFirst } from './finding.ts'
import { holdings } from './holdings.ts'
import { apiTokens, clock, mode, recovery } from './host.ts'
import { observed } from './observed.ts'
import { stateDir, storeKey } from './own-keys.ts'
import { readers } from './readers.ts'
import { standing } from './standing.ts'
import type { HostCheck, MaterialCheck, Subject } from './subject.ts'
import { targets } from './targets.ts'
import { verifiers } from './verifiers.ts'

/** Everything about one material, longer than any of its own limits. */
const longest = 10 * 60_000

const hostChecks: readonly HostCheck[] = [mode, clock, storeKey, stateDir, recovery, apiTokens]
const materialChecks: readonly MaterialCheck[] = [
  standing,
  targets,
  holdings,
  readers,
  exposure,
  consumers,
  verifiers,
  observed,
]

/** Looks whether each rotation could succeed. Changes nothing that is in use. */
export async function examine(subject: Subject): Promise<DoctorView> {
  const findings: DoctorFinding[] = []
  for (const check of hostChecks) findings.push(...(await check(subject)))
  for (const material of subject.materials) findings.push(...(await examineOne(material, subject)))
  return viewOf(findings, subject.daemon)
}

/** @param daemon whether it was the daemon that looked */
export function viewOf(findings: readonly DoctorFinding[], daemon: boolean): DoctorView {
  return {
    schema_version: 1,
    ok: !findings.some(({ level }) => level === 'failure'),
    user: accountName(),
    daemon,
    findings: worstFirst(distinct(findings)),
  }
}

/** Two targets in one file, or two checks of one consumer, find the same. */
function distinct(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  return [...new Map(findings.map((one) => [JSON.stringify(one), one])).values()]
}

async function examineOne(
  material: ManagedMaterial,
  subject: Subject,
): Promise<readonly DoctorFinding[]> {
  const { name } = material
  if (subject.store?.isOpen(name)) {
    const hint = 'start the daemon, which brings it to its end, and ask again'
    return [
      warning('open-rotation', 'a rotation was left open: not looked at', hint, { material: name }),
    ]
  }
  try {
    return await subject.undisturbed(name, async () => {
      const findings: DoctorFinding[] = []
      for (const check of materialChecks) {
        findings.push(...(await check(material, subject, AbortSignal.timeout(longest))))
      }
      return findings
    })
  } catch (error) {
    const isBusy = error instanceof OperatorError && error.kind === 'busy'
    if (!isBusy) return [failureOf('doctor', error, { material: name })]
    return [
      warning('busy', 'is being rotated: not looked at', 'ask again when it is done', {
        material: name,
      }),
    ]
  }
}
