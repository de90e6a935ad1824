import { outline } from '../rotation/outline.ts'
import { OperatorError } from '../support/operator-error.ts'
import { formatAuditHead } from './audit-head.ts'
import type { DescribedMaterial } from './described.ts'
import { readImport, requestCertificate } from './importing.ts'
import { instant, materialView, versionView } from './material-view.ts'
import type { Caller, Operations } from './operations.ts'
import type { OperationsParts } from './operations-parts.ts'
import { observing, refusal } from './refusal.ts'
import { revealTo, versionToReveal } from './revealing.ts'
import { rotationView } from './rotation-view.ts'
import { StartedRotations } from './started-rotations.ts'
import { verifyNow } from './verifying.ts'
import type { AuditRow, DryRun, ImportPart, RotateOptions, RotationView } from './views.ts'

/** Between two looks at a rotation under way, in milliseconds. */
const pause = 250

/** Operations on the parts themselves: in the daemon, and in the CLI when no daemon runs. */
export class LocalOperations implements Operations {
  readonly #parts: OperationsParts
  readonly #rotations = new StartedRotations()

  constructor(parts: OperationsParts) {
    this.#parts = parts
  }

  async status() {
    const { surroundings, materials, audit } = this.#parts
    const { version, mode, daemon, started, paths } = surroundings
    return {
      schema_version: 1 as const,
      version,
      mode,
      daemon,
      pid: process.pid,
      ...(started !== undefined && { started: instant(started) }),
      paths,
      clock: surroundings.clock(),
      audit_head: formatAuditHead(audit.head()),
      materials: materials.map((material) => materialView(material, this.#parts)),
    }
  }

  async material(name: string) {
    return materialView(this.#described(name), this.#parts)
  }

  async plan(days: number) {
    return this.#parts.planner.upcoming(days)
  }

  async startRotation(name: string, options: RotateOptions, caller: Caller) {
    const { engine, keys, journal } = this.#parts
    const isFirst = !keys.active(name)
    await this.#parts.recover()
    this.#refuse(name, options)
    // Recovery has just made the first version: that is what was asked for.
    const [first] =
      isFirst && keys.active(name) ? journal.history({ material: name, limit: 1 }) : []
    if (first) return { id: first.id }
    const trigger = options.reason === 'compromise' ? 'compromise' : 'manual'
    return this.#rotations.follow(
      trigger === 'compromise'
        ? engine.compromise(name, undefined, caller)
        : engine.rotate({ materials: [name], trigger, actor: caller, wait: false }),
    )
  }

  /** One that somebody else began, the schedule or a recovery, is looked at until it has ended. */
  async wait(id: string, signal?: AbortSignal): Promise<RotationView> {
    await this.#rotations.ended(id)
    for (;;) {
      const view = await this.rotation(id)
      if (view.ended !== undefined) return view
      await this.#parts.clock.sleep(pause, signal)
    }
  }

  async dryRun(name: string, options: RotateOptions): Promise<DryRun> {
    const described = this.#described(name)
    const { engine, surroundings, planner, clock } = this.#parts
    const refused = refusal(described, options, surroundings.mode, planner, clock.now())
    const { impact, window } = described
    return {
      schema_version: 1,
      material: name,
      steps: outline(engine.member(name)),
      ...(impact !== undefined && { impact }),
      ...(window !== undefined && { window }),
      ...(refused && {
        refused: {
          reason: refused.message,
          ...(refused.hint !== undefined && { hint: refused.hint }),
        },
      }),
    }
  }

  /** What is refused, as the schedule itself would have to wait for it, is left out. */
  async rotateDue(caller: Caller) {
    const views: RotationView[] = []
    for (const name of this.#parts.planner.due()) {
      try {
        const { id } = await this.startRotation(name, { now: true, accept_impact: name }, caller)
        views.push(await this.wait(id))
      } catch (error) {
        if (!(error instanceof OperatorError) || error.kind === 'failed') throw error
      }
    }
    return views
  }

  async rollback(name: string, to: number | undefined, caller: Caller) {
    this.#refuseObserving()
    await this.#parts.recover()
    return this.#rotations.finish(this.#parts.engine.rollback(name, to, caller))
  }

  async endOverlap(name: string, caller: Caller) {
    this.#refuseObserving()
    await this.#parts.recover()
    const started = this.#parts.engine.endOverlap(name, caller)
    if (started) return this.#rotations.finish(started)
    throw new OperatorError(`no version of ${name} is in overlap`, { kind: 'refused' })
  }

  async pause(name: string | undefined, until: string | undefined, reason: string, caller: Caller) {
    const moment = until === undefined ? undefined : Date.parse(until)
    if (moment !== undefined && Number.isNaN(moment)) {
      throw new OperatorError('until is no RFC 3339 time', { kind: 'usage' })
    }
    for (const material of this.#named(name)) {
      this.#parts.planner.pause(material, moment, reason, caller.who)
    }
  }

  async resume(name: string | undefined, caller: Caller) {
    for (const material of this.#named(name)) this.#parts.planner.resume(material, caller.who)
  }

  async approve(name: string, caller: Caller) {
    this.#parts.planner.approve(this.#described(name).name, caller.who)
  }

  async verify(name: string) {
    const { engine, keys } = this.#parts
    const material = engine.material(name)
    const inspected = await engine.inspections.look(material)
    return verifyNow(this.#described(name), material, keys, inspected)
  }

  async import(name: string, files: readonly ImportPart[], caller: Caller) {
    this.#refuseObserving()
    await this.#parts.recover()
    const { engine, keys, clock } = this.#parts
    const made = await readImport(engine.material(name), keys, files, clock.now())
    if (made === 'already active') return undefined
    const view = await this.#rotations.finish(engine.import(name, made, caller))
    const isApplied = view.result === 'succeeded' || view.result === 'applied_unproved'
    if (isApplied && keys.request(name)) keys.setRequest(name, undefined, caller)
    return view
  }

  async adopt(name: string, caller: Caller) {
    await this.#parts.recover()
    const version = await this.#parts.engine.adopt(name, caller)
    this.#parts.planner.changed(name, version)
    return versionView(version)
  }

  async apply(name: string, caller: Caller) {
    this.#refuseObserving()
    await this.#parts.recover()
    return this.#rotations.finish(this.#parts.engine.apply(name, caller))
  }

  async compromise(name: string, onFailure: 'stay-down' | 'old' | undefined, caller: Caller) {
    await this.#parts.recover()
    return this.#rotations.finish(this.#parts.engine.compromise(name, onFailure, caller))
  }

  async csr(name: string, caller: Caller) {
    const { engine, keys, clock } = this.#parts
    return requestCertificate(engine.material(name), keys, clock.now(), caller)
  }

  async reveal(
    name: string,
    which: number | 'next' | 'previous' | undefined,
    part: string | undefined,
    format: string | undefined,
    out: string,
    caller: Caller,
  ) {
    const { engine, keys } = this.#parts
    const version = versionToReveal(keys, name, which)
    keys.revealed(name, version.number, caller)
    await revealTo(out, keys, engine.material(name), version, part, format)
    return { version: version.number }
  }

  async history(query: { material?: string; limit: number; before?: string }) {
    return this.#parts.journal.history(query).map(rotationView)
  }

  async rotation(id: string): Promise<RotationView> {
    const rotation = this.#parts.journal.get(id)
    if (rotation) return rotationView(rotation)
    throw new OperatorError(`there is no rotation ${id}`, {
      kind: 'not-found',
      hint: '`rekeyd history` lists them',
    })
  }

  async audit(after: number, limit: number): Promise<readonly AuditRow[]> {
    return this.#parts.audit.list(after, limit).map((row) => ({ ...row, at: instant(row.at) }))
  }

  /** @throws OperatorError `refused` in mode observe: nothing is changed, by nobody */
  #refuseObserving(): void {
    const error = observing(this.#parts.surroundings.mode)
    if (error) throw error
  }

  #refuse(name: string, options: RotateOptions): void {
    const { surroundings, planner, clock } = this.#parts
    const error = refusal(this.#described(name), options, surroundings.mode, planner, clock.now())
    if (error) throw error
  }

  #described(name: string): DescribedMaterial {
    this.#parts.engine.material(name)
    const described = this.#parts.materials.find((material) => material.name === name)
    if (!described) throw new RangeError(`${name} is managed but not described`)
    return described
  }

  #named(name: string | undefined): readonly string[] {
    return name === undefined
      ? this.#parts.materials.map((material) => material.name)
      : [this.#described(name).name]
  }
}
