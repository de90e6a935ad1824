import type { Edition } from '../model/version.ts'
import type { Unfinished } from '../store/journal.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Findings } from './findings.ts'
import { refuseForeign } from './foreign.ts'
import { Placing } from './placing.ts'
import { type ConsumerStep, type Member, overlaps, type Placement } from './plan.ts'
import { awaitReady, dwell, prove } from './proof.ts'
import { Steps, type WalkParts } from './steps.ts'

/** How long the previous version may take to prove itself again. */
const proofOfOld = 600_000

/** rekeyd is being stopped: the rotation stays open in the journal, and the next start takes it up. */
export class Parked extends Error {
  override readonly name = 'Parked'
}

/** What a walk is to do. */
export interface WalkPlan {
  readonly id: string
  readonly members: readonly Member[]
  readonly placements: readonly Placement[]
  readonly consumers: readonly ConsumerStep[]
  /** Whether it ends by proof; an announced version is not in use yet. */
  readonly proves: boolean
  /** Whether it gives way to what somebody else has put into its places. */
  readonly sparesForeign: boolean
}

/**
 * One rotation under way. Goes forward, or back by the same steps with the previous version. Parking is
 * heeded only where consumers run and the world is wholly old or wholly new.
 */
export class Walk {
  readonly plan: WalkPlan
  readonly #parts: WalkParts
  readonly #park: AbortSignal
  readonly #steps: Steps
  readonly #placing: Placing
  readonly #downSince = new Map<string, number>()

  constructor(parts: WalkParts, plan: WalkPlan, park: AbortSignal) {
    this.plan = plan
    this.#parts = parts
    this.#park = park
    this.#steps = new Steps(parts, plan.id, () => this.#refuseLeaked())
    this.#placing = new Placing(parts, plan.id, plan.placements, this.#steps)
  }

  /** Takes up what an earlier try of the same rotation had done. */
  recall({ rotation, held }: Unfinished, found: Findings): void {
    this.#steps.recall(rotation.steps)
    this.#placing.recall(held, found)
  }

  /** Whether a target may hold something new already. */
  get exposed(): boolean {
    return this.#placing.exposed
  }

  /** stage → quiesce → activate → resume → verify */
  async forward(): Promise<void> {
    await this.#parkable((park) => this.#placing.stage(park))
    await this.#parkable(() => this.#refuseForeign())
    await this.#parkable(async () => this.#refuseLeaked())
    await this.#quiesce()
    await this.#placing.activate()
    await this.#resume(this.plan.consumers)
    if (this.plan.proves) await this.#parkable((park) => this.#verify('to', park))
    await this.#placing.tidy()
    this.#refuseLeaked()
  }

  /** stage(previous) → quiesce → activate(previous) → withdraw(next) → resume → verify */
  async back(): Promise<void> {
    this.#steps.direction = 'back'
    const failures: unknown[] = []
    const note = (error: unknown) => void failures.push(error)
    await this.#placing.restore(() => this.#quiesce()).catch(note)
    await this.#resume(this.plan.consumers).catch(note)
    if (failures.length > 0) throw failures[0]
    await this.#parkable((park) =>
      this.#verify('from', AbortSignal.any([park, AbortSignal.timeout(proofOfOld)])),
    )
  }

  /** Leaves the places as they are: only whoever was stopped has to be started again. */
  async abandon(): Promise<void> {
    this.#steps.direction = 'back'
    const stopped = ({ managed }: ConsumerStep) => this.#steps.begun('quiesce', managed.name)
    await this.#resume(this.plan.consumers.filter(stopped))
  }

  /** The same where there is no way back, but for what clients must not be shown any more. */
  async stand(): Promise<void> {
    this.#steps.direction = 'back'
    const failures: unknown[] = []
    const note = (error: unknown) => void failures.push(error)
    await this.#placing.clear().catch(note)
    await this.abandon().catch(note)
    if (failures.length > 0) throw failures[0]
  }

  /** Removes what the rotation left beside its targets. */
  tidy(): Promise<void> {
    return this.#placing.tidy()
  }

  /** Overwrites what it remembers of the places. */
  wipe(): void {
    this.#placing.wipe()
  }

  /**
   * Runs what may be left off in the middle: consumers run, and the world is wholly old or wholly new.
   * Anywhere else an error is an error, whatever else is going on.
   * @throws Parked
   */
  async #parkable(run: (park: AbortSignal) => Promise<void>): Promise<void> {
    const parked = () => new Parked('rekeyd is stopping')
    if (this.#park.aborted) throw parked()
    try {
      await run(this.#park)
    } catch (error) {
      throw this.#park.aborted ? parked() : error
    }
  }

  async #quiesce(): Promise<void> {
    for (const { managed } of this.plan.consumers.filter(({ quiesce }) => quiesce)) {
      await this.#steps.take('quiesce', managed.name, async () => {
        const since = this.#downSince.get(managed.name) ?? this.#parts.clock.sinceBoot()
        this.#downSince.set(managed.name, since)
        await managed.consumer.stop(AbortSignal.timeout(managed.timeouts.stop))
      })
    }
  }

  /** Everybody is resumed, also when an earlier one failed to come up. */
  async #resume(consumers: readonly ConsumerStep[]): Promise<void> {
    const failures: unknown[] = []
    for (const step of consumers) {
      await this.#steps
        .take('resume', step.managed.name, () => this.#resumeOne(step))
        .catch((error: unknown) => void failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  async #resumeOne({ managed, quiesce, verb }: ConsumerStep): Promise<void> {
    const { clock, events } = this.#parts
    const down = this.#downSince.get(managed.name) ?? clock.sinceBoot()
    const limit = AbortSignal.timeout(managed.timeouts.start)
    await (quiesce ? managed.consumer.start(limit) : managed.consumer.apply(verb, limit))
    await awaitReady(managed, clock, AbortSignal.timeout(managed.timeouts.ready + 60_000))
    this.#downSince.delete(managed.name)
    if (!quiesce && verb !== 'restart' && verb !== 'recreate') return
    const downtimeSeconds = Math.max(0, clock.sinceBoot() - down) / 1000
    events.emit('consumer.restarted', clock.now(), { consumer: managed.name, downtimeSeconds })
  }

  async #verify(side: 'to' | 'from', signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const round = async () => {
      for (const member of this.plan.members) {
        const { edition, old } = questionsOf(member, side)
        if (edition) await prove(member, edition, old, clock, signal)
      }
    }
    await this.#steps.take('verify', undefined, async () => {
      await round()
      for (const { managed } of this.plan.consumers) await dwell(managed, clock, signal)
      await round()
    })
  }

  /** Asked once all is staged: what is switched then is compared with it, so nothing slips in between. */
  async #refuseForeign(): Promise<void> {
    if (!this.plan.sparesForeign) return
    for (const member of this.plan.members) await refuseForeign(this.#parts.keys, member)
  }

  /** @throws OperatorError when a next version was marked as compromised meanwhile */
  #refuseLeaked(): void {
    for (const { material, to, ending } of this.plan.members) {
      if (ending || !to) continue
      if (this.#parts.keys.get(material.name, to.version.number)?.compromised) {
        const name = `version ${to.version.number} of ${material.name}`
        throw new OperatorError(`${name} was marked as compromised meanwhile`)
      }
    }
  }
}

interface Questions {
  readonly edition?: Edition | undefined
  readonly old?: Edition | undefined
}

/** Whom to accept and whom to refuse. While an overlap lasts, the old one is still welcome. */
function questionsOf(member: Member, side: 'to' | 'from'): Questions {
  const { from, to, ending } = member
  if (side === 'to') return { edition: to, old: ending || !overlaps(member) ? from : undefined }
  return ending ? { edition: to } : { edition: from, old: to }
}
