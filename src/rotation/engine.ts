import type { Made } from '../materials/kind.ts'
import type { OnFailure, Version } from '../model/version.ts'
import type { Actor } from '../store/key-store.ts'
import { adopt, wipe } from './adoption.ts'
import { attempt, type Draft } from './attempt.ts'
import { closeOpen } from './closing.ts'
import { markCompromised, replaceCompromised } from './compromise.ts'
import * as drafts from './drafts.ts'
import { Inspections } from './inspections.ts'
import { claimsOf, isMadeByConsumer, isMadeHere, type ManagedMaterial } from './managed.ts'
import { memberOf } from './member-of.ts'
import { noteObserved } from './observed.ts'
import type { EngineParts } from './outcome.ts'
import type { Member } from './plan.ts'
import { provokeNext } from './provoked.ts'
import { Queue } from './queue.ts'
import { recoverOpen } from './recovery.ts'
import { nothingToAdopt, unknownMaterial } from './refusals.ts'
import type { RotationRequest, Started, StartOptions, Undisturbed } from './request.ts'
import { Starting, settleAttention } from './starting.ts'
import { Parked } from './walk.ts'

/** Carries rotations out, whoever asks. Knows contracts only; when is somebody else's business. */
export class Engine {
  readonly #parts: EngineParts
  readonly #materials: ReadonlyMap<string, ManagedMaterial>
  readonly #queue = new Queue()
  readonly #park = new AbortController()
  #stopping = false
  #starting: Promise<void> = Promise.resolve()
  readonly #rotating = new Set<string>()
  /** What the targets were last seen to hold. */
  readonly inspections: Inspections

  constructor(parts: EngineParts, materials: readonly ManagedMaterial[]) {
    this.#parts = parts
    this.inspections = new Inspections(parts)
    this.#materials = new Map(materials.map((material) => [material.name, material]))
  }

  /** Ends what was left open, then compares every material with its targets. */
  start(options: StartOptions = {}): Promise<void> {
    const [materials, rotating] = [this.#materials, this.#rotating]
    const starting = new Starting(this.#parts, materials, this.inspections, this, rotating)
    this.#starting = starting.run(options, this.#park.signal)
    return this.#starting
  }

  /**
   * Waits for running rotations; after `grace` milliseconds they are parked where that is safe. Nothing new
   * is begun meanwhile.
   */
  async stop(grace: number): Promise<void> {
    this.#stopping = true
    const park = () => this.#park.abort(new Parked('rekeyd is stopping'))
    const parking = setTimeout(park, grace)
    await this.#starting.catch(() => {})
    await this.#queue.idle()
    clearTimeout(parking)
    park()
  }

  isRotating(material: string): boolean {
    return this.#rotating.has(material)
  }

  /** Replaces the active versions by announced or fresh ones. */
  rotate(request: RotationRequest): Started {
    const materials = request.materials.map((name) => this.material(name))
    const [only] = materials
    if (materials.length === 1 && only && isMadeByConsumer(only)) {
      const { trigger, actor } = request
      return this.#start(
        materials,
        request.wait,
        (begun, open) =>
          open ?? provokeNext(this.#parts, only, { trigger, actor }, this.#park.signal, begun),
      )
    }
    return this.#order(materials, request, () =>
      Promise.all(materials.map((material) => drafts.next(this.#parts, material, request.trigger))),
    )
  }

  /** Makes a version that came from elsewhere the active one. */
  import(name: string, made: Made, actor: Actor): Started {
    const material = this.material(name)
    const started = this.#order([material], { trigger: 'import', actor, wait: true }, () => [
      drafts.imported(this.#parts, material, made),
    ])
    const forget = () => wipe(made)
    started.done.then(forget, forget)
    return started
  }

  /** Gives `to`, or the version before, back. */
  rollback(name: string, to: number | undefined, actor: Actor): Started {
    const material = this.material(name)
    return this.#order([material], { trigger: 'rollback', actor, wait: false }, () => [
      drafts.previous(this.#parts, material, to),
    ])
  }

  /** Takes the retiring version away; undefined when there is none. */
  endOverlap(name: string, actor: Actor): Started | undefined {
    const material = this.material(name)
    const draft = drafts.ending(this.#parts, material)
    return (
      draft &&
      this.#order([material], { trigger: 'overlap-end', actor, wait: true }, () => {
        const again = drafts.ending(this.#parts, material)
        return again ? [again] : []
      })
    )
  }

  /** Makes the next version before it is due, and writes it where the next one is shown. */
  announce(name: string, actor: Actor): Started {
    const material = this.material(name)
    return this.#order([material], { trigger: 'announce', actor, wait: true }, () => [
      drafts.announced(this.#parts, material),
    ])
  }

  /** Brings targets that hold something else to the active version. */
  apply(name: string, actor: Actor): Started {
    const material = this.material(name)
    return this.#order([material], { trigger: 'apply', actor, wait: false }, async () => [
      drafts.applied(this.#parts, material, await this.inspections.look(material)),
    ])
  }

  /** Marks what has leaked at once, then replaces it without overlap. Never busy. */
  compromise(name: string, onFailure: OnFailure | undefined, actor: Actor): Started {
    const marked = this.markCompromised(name, onFailure, actor)
    return this.replaceCompromised(name, marked, actor)
  }

  /** The mark alone, on every live version: whatever is under way reads it before each step. */
  markCompromised(name: string, onFailure: OnFailure | undefined, actor: Actor): readonly number[] {
    const rotating = this.isRotating(this.material(name).name)
    return markCompromised(this.#parts, name, rotating, onFailure, actor)
  }

  /** Replaces what was marked, after whatever is under way. */
  replaceCompromised(name: string, marked: readonly number[], actor: Actor): Started {
    const hurried = { ...this.material(name), overlap: 0 }
    return this.#start([hurried], true, (begun) =>
      replaceCompromised(this.#parts, hurried, marked, actor, this.#park.signal, begun),
    )
  }

  /** What is live becomes the active version; a block on the material is lifted. */
  async adopt(name: string, actor: Actor): Promise<Version> {
    const material = this.material(name)
    return this.#queue.runNow([name], async () => {
      await closeOpen(this.#parts, this.#materials, name, 'ended by adopt')
      if (isMadeByConsumer(material)) {
        await noteObserved(this.#parts, material, actor, AbortSignal.timeout(30_000))
      }
      const version = isMadeHere(material)
        ? await adopt(material, this.#parts, actor)
        : this.#parts.keys.active(name)
      if (!version) throw nothingToAdopt(name)
      settleAttention(this.#parts.schedule, name)
      await this.inspections.look(material)
      return version
    })
  }

  /**
   * Whether something changed outside: the issuer has something new (`on_change`), or the consumer was seen
   * to use something new (`watch`), which is recorded as a version.
   * @throws when it could not tell
   */
  async changed(name: string): Promise<boolean> {
    const material = this.material(name)
    const signal = AbortSignal.timeout(60_000)
    if (isMadeByConsumer(material)) {
      const actor = { who: 'schedule' }
      return this.#queue.run([name], () => noteObserved(this.#parts, material, actor, signal))
    }
    if (!isMadeHere(material)) return false
    return (await material.kind.changed?.(this.#parts.keys.active(name), signal)) ?? false
  }

  /**
   * Runs what must not meet a rotation of the material, and is none.
   * @throws OperatorError `busy`
   */
  undisturbed<T>(name: string, run: Undisturbed<T>): Promise<T> {
    const material = this.material(name)
    return this.#queue.runNow(claimsOf([material]), () =>
      run(this.#parts, material, this.#park.signal),
    )
  }

  /** The material with its active version, as the next rotation would find it. */
  member(name: string): Member {
    return memberOf(this.#parts, drafts.unmade(this.#parts, this.material(name)), [])
  }

  /** @throws OperatorError `not-found` */
  material(name: string): ManagedMaterial {
    const material = this.#materials.get(name)
    if (!material) throw unknownMaterial(name, [...this.#materials.keys()])
    return material
  }

  #order(
    materials: readonly ManagedMaterial[],
    { trigger, actor, wait }: Pick<RotationRequest, 'trigger' | 'actor' | 'wait'>,
    draft: () => readonly Draft[] | Promise<readonly Draft[]>,
  ): Started {
    return this.#start(materials, wait, async (begun, open) => {
      if (open !== undefined && (trigger === 'schedule' || trigger === 'manual')) return open
      const order = { trigger, actor, drafts: await draft() }
      return attempt(this.#parts, order, this.#park.signal, begun)
    })
  }

  #start(
    materials: readonly ManagedMaterial[],
    wait: boolean,
    run: (begun: (id: string) => void, open: string | undefined) => string | Promise<string>,
  ): Started {
    const begun = Promise.withResolvers<string>()
    begun.promise.catch(() => {})
    const claims = claimsOf(materials)
    const task = async () => {
      for (const { name } of materials) this.#rotating.add(name)
      try {
        if (this.#stopping) throw new Parked('rekeyd is stopping')
        const names = materials.map(({ name }) => name)
        const open = await recoverOpen(this.#parts, this.#materials, names, this.#park.signal)
        const id = await run(begun.resolve, open)
        begun.resolve(id)
        for (const material of materials) await this.inspections.look(material)
        const rotation = this.#parts.journal.get(id)
        if (!rotation) throw new RangeError(`rotation ${id} has vanished from the journal`)
        return rotation
      } finally {
        for (const { name } of materials) this.#rotating.delete(name)
      }
    }
    const done = wait ? this.#queue.run(claims, task) : this.#queue.runNow(claims, task)
    done.catch(begun.reject)
    return { begun: begun.promise, done }
  }
}
