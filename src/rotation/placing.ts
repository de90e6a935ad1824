import type { StepName } from '../model/rotation.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { HeldRecord } from '../store/journal.ts'
import { LiveChanged, type Move } from '../targets/target.ts'
import type { Findings } from './findings.ts'
import { edited, isStrange } from './foreign.ts'
import { type Placement, subjectOf } from './plan.ts'
import { reporter } from './reporter.ts'
import { hasLeaked, isGivenUp, leakedAt } from './shown-places.ts'
import type { Steps, WalkParts } from './steps.ts'

/** How often an operator's edit in the middle is followed by staging again. */
const stagings = 3
/** Long work on a target (a database of gigabytes) ends by itself; this only ends what hangs. */
const longest = 6 * 3_600_000

/** The targets' side of a walk: what is staged, switched, and given back. */
export class Placing {
  readonly #id: string
  readonly #placements: readonly Placement[]
  readonly #parts: WalkParts
  readonly #steps: Steps
  /** What each place held when it was last staged … */
  readonly #held = new Map<Placement, SecretBytes>()
  /** … and what it held before an earlier try that may have switched it, which nothing replaces. */
  readonly #pinned = new Map<Placement, SecretBytes>()
  readonly #returns = new Map<Placement, SecretBytes>()
  /** Places that nothing is given back to: never switched, or changed by somebody else since. */
  readonly #left = new Map<Placement, 'as it was' | 'foreign'>()
  readonly #done = new Set<Placement>()

  constructor(parts: WalkParts, id: string, placements: readonly Placement[], steps: Steps) {
    this.#parts = parts
    this.#id = id
    this.#placements = placements
    this.#steps = steps
  }

  /** Whether a target may hold something new already. */
  get exposed(): boolean {
    return this.#placements.some((placement) => this.#touched(placement))
  }

  /**
   * Takes up what stage recorded in an earlier try. Whatever is done already is neither staged nor switched
   * again: staging it now would record the new value as what stood there before. So would staging what
   * could not tell; its record stays.
   */
  recall(records: readonly HeldRecord[], { done, unsure }: Findings): void {
    for (const placement of this.#placements) {
      if (done.has(placement)) this.#done.add(placement)
      const record = records.find((one) => isRecordOf(one, placement))
      if (!record) continue
      this.#held.set(placement, record.held)
      if (unsure.has(placement)) this.#pinned.set(placement, record.held)
    }
  }

  /**
   * Prepares everything beside the live places, and commits what they hold before any of it changes.
   * @throws OperatorError when a value was put there since it was staged before
   */
  async stage(signal: AbortSignal): Promise<void> {
    for (const placement of this.#open) {
      if (placement.action === 'take' || hasLeaked(this.#parts.keys, placement)) continue
      await this.#step('stage', placement, async () => {
        const earlier = this.#held.get(placement)
        const held = await placement.target.stage(this.#move(placement), signal)
        const isEdited = earlier?.equals(held) === false
        if (isEdited && (await isStrange(placement))) throw edited([placement])
        this.#held.set(placement, held)
      })
    }
    this.#parts.journal.hold(this.#id, this.#records())
  }

  /** Switches every place; an operator's edit since then is staged upon again. */
  async activate(): Promise<void> {
    for (let staging = 1; ; staging += 1) {
      try {
        for (const placement of this.#open) {
          await this.#switch(placement)
          this.#done.add(placement)
        }
        return
      } catch (error) {
        if (!(error instanceof LiveChanged) || staging === stagings) throw error
        await this.stage(AbortSignal.timeout(longest))
      }
    }
  }

  /**
   * Gives every touched place back what it held; `stop` runs when all is staged for it.
   * @throws OperatorError when all is done but for what somebody else has put there meanwhile
   */
  async restore(stop: () => Promise<void>): Promise<void> {
    const givenUp = this.#placements.filter(
      (placement) => isGivenUp(placement) || hasLeaked(this.#parts.keys, placement),
    )
    const touched = this.#placements.filter(
      (placement) => this.#touched(placement) && !givenUp.includes(placement),
    )
    await this.tidy()
    for (const placement of touched) await this.#stageReturn(placement)
    await stop()
    for (const placement of touched) await this.#giveBack(placement)
    for (const placement of givenUp) await this.#switch(placement)
    const foreign = touched.filter((placement) => this.#left.get(placement) === 'foreign')
    if (foreign.length > 0) throw edited(foreign)
  }

  /** Takes what has leaked away from clients, all of it although something fails. @throws what failed first */
  async clear(): Promise<void> {
    const failures: unknown[] = []
    for (const placement of this.#placements) {
      if (!hasLeaked(this.#parts.keys, placement)) continue
      await this.#switch(placement).catch((error: unknown) => void failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Removes what the rotation left beside its places. */
  async tidy(): Promise<void> {
    for (const { target } of this.#placements) {
      await target.tidy(AbortSignal.timeout(60_000)).catch(() => {
        this.#parts.events.emit('store.error', this.#parts.clock.now(), { operation: 'tidy' })
      })
    }
  }

  /** Overwrites what it remembers of the places. */
  wipe(): void {
    for (const held of [this.#held, this.#pinned, this.#returns]) {
      for (const secret of held.values()) secret.wipe()
    }
  }

  get #open(): readonly Placement[] {
    return this.#placements.filter((placement) => !this.#done.has(placement))
  }

  async #switch(placement: Placement): Promise<void> {
    const { target, action } = placement
    const { keys } = this.#parts
    const held = this.#held.get(placement)
    if (action === 'take' || hasLeaked(keys, placement)) {
      await this.#step('withdraw', placement, async (signal) => {
        await target.withdraw(this.#move(placement), undefined, signal)
        for (const edition of leakedAt(keys, placement)) {
          await target.withdraw({ rotation: this.#id, edition }, undefined, signal)
        }
      })
    } else {
      if (!held) throw new RangeError(`${target.place.path} was not staged`)
      await this.#step('activate', placement, (signal) =>
        target.activate(
          this.#move(placement),
          held,
          signal,
          reporter(this.#parts, this.#id, placement),
        ),
      )
    }
  }

  async #stageReturn(placement: Placement): Promise<void> {
    const move = this.#return(placement)
    if (!move) return
    await this.#step('stage', placement, async (signal) => {
      this.#returns.set(placement, await placement.target.stage(move, signal))
    })
    if (!(await isStrange(placement))) return
    // What was staged for it must not go live together with what shares its file.
    await placement.target.tidy(AbortSignal.timeout(longest))
    // An adopted version in a spelling of its own, or an edit that only a person can judge.
    const [before, now] = [this.#before(placement), this.#returns.get(placement)]
    this.#left.set(placement, before && now?.equals(before) ? 'as it was' : 'foreign')
  }

  async #giveBack(placement: Placement): Promise<void> {
    const { target } = placement
    const move = this.#return(placement)
    if (!move) {
      return this.#step('withdraw', placement, (signal) =>
        target.withdraw(this.#move(placement), this.#before(placement), signal),
      )
    }
    for (let staging = 1; ; staging += 1) {
      if (this.#left.has(placement)) return
      const staged = this.#returns.get(placement)
      if (!staged) throw new RangeError(`${target.place.path} was not staged for the way back`)
      try {
        return await this.#step('activate', placement, (signal) =>
          target.activate(move, staged, signal, reporter(this.#parts, this.#id, placement)),
        )
      } catch (error) {
        if (!(error instanceof LiveChanged) || staging === stagings) throw error
        await this.#stageReturn(placement)
      }
    }
  }

  /** What stood there before the rotation. */
  #before(placement: Placement): SecretBytes | undefined {
    return this.#pinned.get(placement) ?? this.#held.get(placement)
  }

  #step(name: StepName, placement: Placement, run: (signal: AbortSignal) => Promise<void>) {
    return this.#steps.take(name, subjectOf(placement), () => run(AbortSignal.timeout(longest)))
  }

  /** Whether it may hold something new: targets with the same path are switched together, by whoever is first. */
  #touched({ action, target }: Placement): boolean {
    const alike = this.#placements.filter(
      (other) => other.action === action && other.target.place.path === target.place.path,
    )
    const name = action === 'put' ? 'activate' : 'withdraw'
    return alike.some((other) => this.#done.has(other) || this.#steps.begun(name, subjectOf(other)))
  }

  #move({ edition, previous }: Placement): Move {
    return { rotation: this.#id, edition, ...(previous && { previous }) }
  }

  /** The same placement the other way round; undefined where nothing known stood there. */
  #return({ edition, previous, action }: Placement): Move | undefined {
    const rotation = `${this.#id}-back`
    if (action === 'take') return { rotation, edition }
    return previous && { rotation, edition: previous, previous: edition }
  }

  #records(): readonly HeldRecord[] {
    return [...this.#held].map(([placement, held]) => ({
      material: placement.member.material.name,
      target: placement.index,
      place: placement.target.place.path,
      held: this.#before(placement) ?? held,
    }))
  }
}

/** Whether the record is of this placement, as the configuration has it now. */
export function isRecordOf({ material, target, place }: HeldRecord, placement: Placement): boolean {
  const { member, index } = placement
  return (
    material === member.material.name && target === index && place === placement.target.place.path
  )
}
