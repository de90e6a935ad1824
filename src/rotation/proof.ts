import type { Edition } from '../model/version.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { Verdict, Verifier } from '../verifiers/verifier.ts'
import type { ManagedConsumer } from './managed.ts'
import type { Member } from './plan.ts'

/** Between two questions to the same consumer. */
const pause = 250
/** How long one question may take: a verifier that hangs must not hold its consumer for ever. */
const longestQuestion = 60_000

/** A verifier said no, or could not tell for too long. */
export class NotProved extends OperatorError {
  /** The material whose verifier it was: the only one that a set leaves out next time. */
  readonly material: string | undefined

  constructor(message: string, material?: string) {
    super(message)
    this.material = material
  }
}

type Question = (signal: AbortSignal) => Promise<Verdict>

interface Patience {
  /** How long a "no" is asked again: a consumer may still be taking the change up. */
  readonly no: number
  /** How long "could not tell" is. */
  readonly unknown: number
}

/** Waits until every readiness check of the consumer says yes. */
export async function awaitReady(
  consumer: ManagedConsumer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const patience = { no: consumer.timeouts.ready, unknown: consumer.timeouts.ready }
  for (const verifier of consumer.ready) {
    await insist(
      (signal) => verifier.ready(signal),
      patience,
      clock,
      signal,
      () => `consumer ${consumer.name} is not ready (${verifier.type} ${verifier.subject})`,
    )
  }
}

/** Proves that the member's consumers use `edition`, and that they refuse `old` where that can be asked. */
export async function prove(
  member: Member,
  edition: Edition,
  old: Edition | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { material } = member
  const unknown = longest(material.consumers, (consumer) => consumer.timeouts.ready)
  const patience = {
    no: Math.min(
      unknown,
      longest(material.consumers, ({ dwell }) => dwell),
    ),
    unknown,
  }
  const version = edition.version.number
  for (const verifier of material.verifiers) {
    const where = `${verifier.type} ${verifier.subject}`
    await insist(
      (signal) => verifier.accepts(edition, signal),
      patience,
      clock,
      signal,
      () => `${where} does not show version ${version} of ${material.name}`,
      material.name,
    )
    if (!old || !verifier.refuses) continue
    await insist(
      (signal) => refusal(verifier, old, signal),
      patience,
      clock,
      signal,
      () => `${where} still takes version ${old.version.number} of ${material.name}`,
      material.name,
    )
  }
}

/** Whether anything that proves a version stands behind the material. */
export function isProvable(member: Member): boolean {
  return member.material.verifiers.some((verifier) => verifier.proves)
}

/** Keeps asking until the end of the dwell; a single "no" or silence ends it. */
export async function dwell(
  consumer: ManagedConsumer,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const rounds = Math.max(1, Math.ceil(consumer.dwell / 1000))
  for (let round = 0; round < rounds; round += 1) {
    await clock.sleep(consumer.dwell / rounds, signal)
    for (const verifier of consumer.ready) {
      const verdict = await ask((signal) => verifier.ready(signal), signal).catch(unknownVerdict)
      if (!verdict.yes) {
        throw new NotProved(
          `consumer ${consumer.name} did not stay up (${verifier.type} ${verifier.subject}: ${verdict.reason})`,
        )
      }
    }
  }
}

/**
 * Asks once, and waits neither longer than a question may take nor beyond the signal, whether the verifier
 * heeds them or not.
 */
export async function ask(question: Question, signal: AbortSignal): Promise<Verdict> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(longestQuestion)])
  const { promise, reject } = Promise.withResolvers<never>()
  const end = () => reject(limit.reason)
  limit.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([question(limit), promise])
  } finally {
    limit.removeEventListener('abort', end)
  }
}

async function refusal(verifier: Verifier, old: Edition, signal: AbortSignal): Promise<Verdict> {
  return (await verifier.refuses?.(old, signal)) ?? { yes: true }
}

/** Asks until yes. "Could not tell" is never taken for a yes, and neither is patience for a proof. */
async function insist(
  question: Question,
  patience: Patience,
  clock: Clock,
  signal: AbortSignal,
  failure: () => string,
  material?: string,
): Promise<void> {
  let waited = 0
  for (;;) {
    signal.throwIfAborted()
    const asked = clock.sinceBoot()
    const answer = await ask(question, signal).then(
      (verdict) => ({ verdict, limit: patience.no }),
      (error: unknown) => ({ verdict: unknownVerdict(error), limit: patience.unknown }),
    )
    if (answer.verdict.yes) return
    if (waited >= answer.limit) {
      throw new NotProved(`${failure()}: ${answer.verdict.reason}`, material)
    }
    await clock.sleep(pause, signal)
    waited += Math.max(pause, clock.sinceBoot() - asked)
  }
}

function unknownVerdict(error: unknown): Verdict & { readonly yes: false } {
  return { yes: false, reason: `could not tell: ${messageOf(error)}` }
}

function longest(
  consumers: readonly ManagedConsumer[],
  of: (consumer: ManagedConsumer) => number,
): number {
  return Math.max(0, ...consumers.map(of))
}
