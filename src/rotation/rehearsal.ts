import { randomUUID } from 'node:crypto'
import type { Found, Made, MadeHere } from '../materials/kind.ts'
import type { Edition } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import { passing, wipe } from './adoption.ts'
import type { Draft } from './attempt.ts'
import * as drafts from './drafts.ts'
import { resolvePart } from './edition.ts'
import { refuseForeign } from './foreign.ts'
import { isReadable } from './inspection.ts'
import { refuseKnownLeak } from './known-leak.ts'
import { isMadeByConsumer, isMadeHere, type ManagedMaterial } from './managed.ts'
import { memberOf } from './member-of.ts'
import type { EngineParts } from './outcome.ts'
import { consumerSteps, type Member, type Placement, placementsOf, subjectOf } from './plan.ts'
import { ask } from './proof.ts'
import { rehearseProvoked } from './rehearsal-provoked.ts'
import { type RehearsedStep, Trail } from './trail.ts'

/** Between two looks whether the version in use has leaked meanwhile, in milliseconds. */
const vigilance = 500
/** Long work on a copy ends by itself; this only ends what hangs. */
const longest = 6 * 3_600_000

/**
 * Runs everything of a rotation but the switch: no version number is taken, nothing live changes, and nothing is
 * left behind. Gives way at once to the replacement of a version that has leaked.
 * @throws what `park` was aborted with; OperatorError `busy` when the version in use is marked meanwhile
 */
export async function rehearse(
  parts: EngineParts,
  material: ManagedMaterial,
  park: AbortSignal,
): Promise<readonly RehearsedStep[]> {
  const marked = new AbortController()
  const isMarked = () => parts.keys.active(material.name)?.compromised === true
  const wasMarked = isMarked()
  const watch = setInterval(() => {
    if (!wasMarked && isMarked()) marked.abort(givesWay(material.name))
  }, vigilance)
  const signal = AbortSignal.any([park, marked.signal])
  const trail = new Trail(parts.clock, signal)
  try {
    if (isMadeByConsumer(material)) await rehearseProvoked(material, trail, signal)
    else if (isMadeHere(material)) await new Rehearsal(parts, material, trail, signal).run()
    return trail.steps
  } finally {
    clearInterval(watch)
  }
}

class Rehearsal {
  readonly #parts: EngineParts
  readonly #material: ManagedMaterial<MadeHere>
  readonly #trail: Trail
  readonly #signal: AbortSignal

  constructor(
    parts: EngineParts,
    material: ManagedMaterial<MadeHere>,
    trail: Trail,
    signal: AbortSignal,
  ) {
    this.#parts = parts
    this.#material = material
    this.#trail = trail
    this.#signal = signal
  }

  async run(): Promise<void> {
    const draft = await this.#plan()
    const member = memberOf(this.#parts, draft, [])
    const placements = placementsOf([member])
    const unfit = await this.#check(member, placements)
    const made = await this.#generate(draft)
    try {
      const to = this.#editionOf(draft, member, made)
      if (made) await this.#pair(made)
      for (const placement of placementsOf([{ ...member, ...(to && { to }) }])) {
        await this.#stage(placement, to, unfit)
      }
    } finally {
      if (made) wipe(made)
      const limit = AbortSignal.timeout(60_000)
      // What cannot be reached now is tidied at the next start.
      for (const { target } of placements) await target.tidy(limit).catch(() => {})
    }
    await this.#leaveOut(member, placements)
  }

  async #plan(): Promise<Draft> {
    const { keys } = this.#parts
    let draft: Draft = drafts.unmade(this.#parts, this.#material)
    await this.#trail.take('plan', undefined, async () => {
      await this.#material.permit?.()
      draft = await drafts.next(this.#parts, this.#material, 'manual')
      await refuseForeign(keys, memberOf(this.#parts, draft, []))
      const { to, from } = draft
      if (to) return `version ${to.number}, which is announced, would take over`
      return from ? `the version after ${from.number} would take over` : 'it would be the first'
    })
    return draft
  }

  /** @returns the placements whose target is not fit for a change */
  async #check(
    { from }: Member,
    placements: readonly Placement[],
  ): Promise<ReadonlySet<Placement['target']>> {
    const unfit = new Set<Placement['target']>()
    const check = (subject: string, run: () => Promise<void>) =>
      this.#trail.take('check', subject, () => run().then(() => undefined))
    for (const placement of placements) {
      const { target } = placement
      if (!(await check(subjectOf(placement), () => target.check(this.#signal)))) unfit.add(target)
    }
    for (const { name, consumer } of this.#material.consumers) {
      await check(name, () => consumer.check(this.#signal))
    }
    if (from) await this.#askPresent(from)
    return unfit
  }

  /** As the checks before a rotation do: a "no" may be what the rotation heals. */
  async #askPresent(from: Edition): Promise<void> {
    for (const verifier of this.#material.verifiers) {
      await this.#trail.take('verify', `${verifier.type} ${verifier.subject}`, async () => {
        const verdict = await ask((signal) => verifier.accepts(from, signal), this.#signal)
        const { number } = from.version
        return verdict.yes
          ? `version ${number} is in use`
          : `it does not show version ${number}, which is active: ${verdict.reason}`
      })
    }
  }

  async #generate({ make }: Draft): Promise<Made | undefined> {
    const { scarce } = this.#material.kind
    if (!make) return undefined
    if (scarce !== undefined) {
      this.#trail.leaveOut('generate', undefined, `not tried, because ${scarce}`)
      return undefined
    }
    let made: Made | undefined
    await this.#trail.take('generate', undefined, async () => {
      made = await make(this.#signal)
      refuseKnownLeak(this.#parts.keys, this.#material.name, made)
      return 'made, and not kept'
    })
    return made
  }

  /** What is prepared at the targets: the new one, an announced one, or the present one in their place. */
  #editionOf(draft: Draft, member: Member, made: Made | undefined): Edition | undefined {
    if (made) return passing(this.#material, made)
    return draft.to ? member.to : member.from
  }

  /** Written as its targets want it and read back, it must still be the same. */
  async #pair(made: Made): Promise<void> {
    const { kind, name, targets } = this.#material
    const readable = targets.filter((target) => target.role === 'active' && isReadable(target))
    if (!kind.adopt || readable.length === 0) return
    const { keys } = this.#parts
    const identity = (one: Made) => one.fingerprint ?? keys.fingerprint(one.parts)
    await this.#trail.take('pair', undefined, async () => {
      const found = await rendered(kind, readable, made)
      const read = await kind.adopt?.(found, name)
      const isSame = read !== undefined && identity(read) === identity(made)
      if (read) wipe(read)
      for (const { bytes } of found) bytes.wipe()
      if (isSame) return 'what its targets get belongs together'
      throw new OperatorError(`what is written for ${name} reads back as something else`)
    })
  }

  async #stage(
    placement: Placement,
    to: Edition | undefined,
    unfit: ReadonlySet<Placement['target']>,
  ): Promise<void> {
    const { target, edition, previous, action } = placement
    const subject = subjectOf(placement)
    const without = !to && target.role === 'active' ? 'there is no version to prepare' : undefined
    const reason = unfit.has(target) ? 'its check failed' : without
    if (reason !== undefined) return this.#trail.leaveOut('stage', subject, reason)
    if (action === 'take') return
    const move = { rotation: this.#id, edition, ...(previous && { previous }) }
    const limit = AbortSignal.any([this.#signal, AbortSignal.timeout(longest)])
    await this.#trail.take('stage', subject, async () => {
      if (target.rehearse) await target.rehearse(move, limit)
      else (await target.stage(move, limit)).wipe()
      return target.rehearse ? 'tried on a copy, which is gone' : 'prepared, and taken away again'
    })
  }

  readonly #id = `rehearsal-${randomUUID().slice(0, 8)}`

  async #leaveOut(member: Member, placements: readonly Placement[]): Promise<void> {
    const trail = this.#trail
    let consumers: ReturnType<typeof consumerSteps> = []
    try {
      consumers = consumerSteps(placements)
    } catch (error) {
      await trail.take('plan', 'consumers', () => Promise.reject(error))
    }
    const live = 'it would change what is in use'
    for (const { managed, quiesce } of consumers) {
      if (quiesce) trail.leaveOut('quiesce', managed.name, 'it would stop the service')
    }
    for (const placement of placements) {
      const name = placement.action === 'put' ? 'activate' : 'withdraw'
      trail.leaveOut(name, subjectOf(placement), live)
    }
    for (const { managed, quiesce, verb } of consumers) {
      trail.leaveOut('resume', managed.name, quiesce ? 'start' : verb)
    }
    for (const { type, subject } of member.material.verifiers) {
      trail.leaveOut('verify', `${type} ${subject}`, 'nothing new is in use that it could show')
    }
  }
}

/** Each part that the targets ask for, once. */
async function rendered(
  kind: MadeHere,
  targets: readonly Placement['target'][],
  { parts }: Made,
): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const { part, format, place } of targets) {
    const wanted = resolvePart(kind, part, format)
    if (found.some((one) => one.part === wanted.part)) continue
    const bytes = await kind.render(parts, wanted.part, wanted.format)
    found.push({ ...wanted, bytes, place: place.path })
  }
  return found
}

function givesWay(name: string): OperatorError {
  return new OperatorError(`${name} was marked as compromised: the rehearsal gives way`, {
    kind: 'busy',
    hint: `\`rekeyd status ${name}\` shows how it is replaced`,
  })
}
