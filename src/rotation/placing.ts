import type { StepName } from '../model/rotation.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { HeldRecord } from '../store/journal.ts'
import { LiveChanged, type Move } from '../targets/target.ts'
import type { Placement } from './plan.ts'
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
  readonly #held = new Map<Placement, SecretBytes>()
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
   * again: staging it now would record the new value as what stood there before.
   */
  recall(records: readonly HeldRecord[], done: ReadonlySet<Placement>): void {
    for (const placement of this.#placements) {
      if (done.has(placement)) this.#done.add(placement)
      const record = records.find(
        ({ material, target, place }) =>
          material === placement.member.material.name &&
          target === placement.index &&
          place === placement.target.place.path,
      )
      if (record) this.#held.set(placement, record.held)
    }
  }

  /** Prepares everything beside the live places, and commits what they hold before any of it changes. */
  async stage(signal: AbortSignal): Promise<void> {
    for (const placement of this.#open.filter(({ action }) => action === 'put')) {
      await this.#step('stage', placement, async () => {
        this.#held.set(placement, await placement.target.stage(this.#move(placement), signal))
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

  /** Gives every touched place back what it held; `stop` runs when all is staged for it. */
  async restore(stop: () => Promise<void>): Promise<void> {
    const touched = this.#placements.filter((placement) => this.#touched(placement))
    await this.tidy()
    const staged = new Map<Placement, SecretBytes>()
    for (const placement of touched) {
      const move = this.#return(placement)
      if (!move) continue
      await this.#step('stage', placement, async (signal) => {
        staged.set(placement, await placement.target.stage(move, signal))
      })
    }
    await stop()
    for (const placement of touched) await this.#giveBack(placement, staged.get(placement))
  }

  /** Removes what the rotation left beside its places. */
  async tidy(): Promise<void> {
    for (const { target } of this.#placements) {
      await target.tidy(AbortSignal.timeout(60_000)).catch(() => {
        this.#parts.events.emit('store.error', this.#parts.clock.now(), { operation: 'tidy' })
      })
    }
  }

  get #open(): readonly Placement[] {
    return this.#placements.filter((placement) => !this.#done.has(placement))
  }

  async #switch(placement: Placement): Promise<void> {
    const { target, action } = placement
    const held = this.#held.get(placement)
    if (action === 'take') {
      await this.#step('withdraw', placement, (signal) =>
        target.withdraw(this.#move(placement), undefined, signal),
      )
    } else if (held) {
      await this.#step('activate', placement, (signal) =>
        target.activate(this.#move(placement), held, signal),
      )
    }
  }

  async #giveBack(placement: Placement, staged: SecretBytes | undefined): Promise<void> {
    const move = this.#return(placement)
    if (move && staged) {
      await this.#step('activate', placement, (signal) =>
        placement.target.activate(move, staged, signal),
      )
      return
    }
    await this.#step('withdraw', placement, (signal) =>
      placement.target.withdraw(this.#move(placement), this.#held.get(placement), signal),
    )
  }

  #step(name: StepName, placement: Placement, run: (signal: AbortSignal) => Promise<void>) {
    return this.#steps.take(name, subjectOf(placement), () => run(AbortSignal.timeout(longest)))
  }

  #touched(placement: Placement): boolean {
    if (this.#done.has(placement)) return true
    const name = placement.action === 'put' ? 'activate' : 'withdraw'
    return this.#steps.begun(name, subjectOf(placement))
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
    return [...this.#held].map(([{ member, index, target }, held]) => ({
      material: member.material.name,
      target: index,
      place: target.place.path,
      held,
    }))
  }
}

/** How a placement is called in the journal and in history: the path and the key, or the path alone. */
function subjectOf({ target }: Placement): string {
  const { path, key } = target.place
  return key === undefined ? path : `${path} ${key}`
}
