import type { Remark } from '../model/remark.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import type { ManagedConsumer, ManagedMaterial } from '../rotation/managed.ts'
import { memberOf } from '../rotation/member-of.ts'
import { type ConsumerStep, consumerSteps, placementsOf } from '../rotation/plan.ts'
import { ask } from '../rotation/proof.ts'
import { messageOf } from '../support/operator-error.ts'
import { attempt, failureOf, ok, warning } from './finding.ts'
import type { MaterialCheck, Subject } from './subject.ts'

const patience = 30_000

/** Whether each consumer could be made to take a change up, by exactly the verb that a rotation would use. */
export const consumers: MaterialCheck = async (material, subject, signal) => {
  const findings: DoctorFinding[] = []
  for (const managed of material.consumers) {
    const where = { material: material.name, consumer: managed.name }
    findings.push(
      await attempt('consumer', where, async () => {
        await managed.consumer.check(signal)
        return 'is there, and rekeyd may command it'
      }),
      ...(await readiness(material.name, managed, signal)),
    )
  }
  return [...findings, ...(await uptake(material, subject, signal))]
}

async function readiness(
  material: string,
  { name, ready }: ManagedConsumer,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const findings: DoctorFinding[] = []
  for (const { type, subject, ready: isReady } of ready.map(bound)) {
    const where = { material, consumer: name, place: `${type} ${subject}` }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    const reason = await ask(isReady, limit).then(
      (verdict) => (verdict.yes ? undefined : verdict.reason),
      messageOf,
    )
    const hint = 'a rotation waits for this after the restart: see that it can ever say yes'
    findings.push(
      reason === undefined
        ? ok('consumer-ready', 'is ready', where)
        : warning('consumer-ready', `is not ready now: ${reason}`, hint, where),
    )
  }
  return findings
}

function bound(verifier: ManagedConsumer['ready'][number]) {
  const { type, subject } = verifier
  return { type, subject, ready: (signal: AbortSignal) => verifier.ready(signal) }
}

async function uptake(
  material: ManagedMaterial,
  { keys }: Subject,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  if (material.kind.madeBy === 'consumer') return []
  const from = keys.active(material.name)
  const member = memberOf({ keys }, { material, ...(from && { from }) }, [])
  const placements = placementsOf([member])
  let steps: readonly ConsumerStep[] = []
  try {
    steps = consumerSteps(placements)
  } catch (error) {
    return [failureOf('consumer-verb', error, { material: material.name })]
  }
  const places = placements.map(({ target }) => target.place)
  const findings: DoctorFinding[] = []
  for (const { managed, verb } of steps) {
    const where = { material: material.name, consumer: managed.name }
    findings.push(ok('consumer-verb', wording(verb, managed.apply), where))
    try {
      const remarks = await managed.consumer.examine?.({ verb, places }, signal)
      findings.push(...(remarks ?? []).map((remark) => ({ ...remark, ...where })))
    } catch (error) {
      findings.push(failureOf('consumer', error, where))
    }
  }
  return withoutReadElsewhere(findings, steps.length)
}

function wording(verb: string, configured: string): string {
  return verb === configured
    ? `would take it up by ${verb}`
    : `would take it up by ${verb}: ${configured} is not enough`
}

/** A place is for one of several consumers, perhaps: what matters is that anybody reads it. */
function withoutReadElsewhere(
  findings: readonly DoctorFinding[],
  consumers: number,
): readonly DoctorFinding[] {
  const isUnread = ({ check }: Remark) => check === 'variable-read'
  return findings.filter(
    (finding) =>
      !isUnread(finding) ||
      findings.filter((other) => isUnread(other) && other.place === finding.place).length ===
        consumers,
  )
}
