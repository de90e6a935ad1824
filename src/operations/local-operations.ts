import { OperatorError } from '../support/operator-error.ts'
import { compromise } from './compromising.ts'
import type { DescribedMaterial } from './described.ts'
import { dryRunOf } from './dry-run.ts'
import { impactCountOf } from './impact.ts'
import { importVersion } from './import-version.ts'
import { requestCertificate } from './importing.ts'
import { instant, materialView, momentOf, versionView } from './material-view.ts'
import type { Caller, Operations } from './operations.ts'
import type { OperationsParts } from './operations-parts.ts'
import type { DoctorView, RehearsalView } from './outlook.ts'
import { impactRefusal, observing, type ReplacingVerb, refusal } from './refusal.ts'
import { rehearseNow } from './rehearsing.ts'
import { revealTo, versionToReveal } from './revealing.ts'
import { rotateAll } from './rotate-all.ts'
import { rotationView } from './rotation-view.ts'
import { StartedRotations } from './started-rotations.ts'
import { statusView } from './status-view.ts'
import { verifyNow } from './verifying.ts'
import type {
  Acceptance,
  AuditRow,
  BackupView,
  CompromiseOptions,
  DryRun,
  ImportPart,
  RollbackOptions,
  RotateOptions,
  RotationView,
  TokenChange,
} from './views.ts'

/** Between two looks at a rotation under way, in milliseconds. */
const pause = 250

/** Operations on the parts themselves: in the daemon, and in the CLI when no daemon runs. */
export class LocalOperations implements Operations {
  readonly #parts: OperationsParts
  readonly #rotations = new StartedRotations()
  #examination: Promise<DoctorView> | undefined

  constructor(parts: OperationsParts) {
    this.#parts = parts
  }

  async status() {
    return statusView(this.#parts)
  }

  async material(name: string) {
    const described = this.#described(name)
    const counted = await impactCountOf(described, this.#parts.engine)
    return { ...materialView(described, this.#parts), ...counted }
  }

  async plan(days: number) {
    return this.#parts.planner.upcoming(days)
  }

  async startRotation(name: string, options: RotateOptions, caller: Caller) {
    const { engine, keys, journal } = this.#parts
    if (options.reason === 'compromise') {
      this.#refuse(name, options)
      const marked = engine.markCompromised(name, undefined, caller)
      await this.#parts.recover()
      return this.#rotations.follow(engine.replaceCompromised(name, marked, caller))
    }
    const isFirst = !keys.active(name)
    await this.#parts.recover()
    this.#refuse(name, options)
    // Recovery has just made the first version: that is what was asked for.
    const [first] =
      isFirst && keys.active(name) ? journal.history({ material: name, limit: 1 }) : []
    if (first) return { id: first.id }
    return this.#rotations.follow(
      engine.rotate({ materials: [name], trigger: 'manual', actor: caller, wait: false }),
    )
  }

  /** One that somebody else began, the schedule or a recovery, is looked at until it has ended. */
  async wait(id: string, signal?: AbortSignal): Promise<RotationView> {
    const last = await this.#rotations.ended(id)
    if (last) return rotationView(last)
    for (;;) {
      const view = await this.rotation(id)
      if (view.ended !== undefined) return view
      await this.#parts.clock.sleep(pause, signal)
    }
  }

  async dryRun(name: string, options: RotateOptions): Promise<DryRun> {
    return dryRunOf(this.#parts, this.#described(name), options)
  }

  async rehearse(name: string, caller: Caller): Promise<RehearsalView> {
    return rehearseNow(this.#parts, this.#described(name), caller)
  }

  /** Whoever asks meanwhile gets the same answer: two would be in each other's way. */
  doctor(): Promise<DoctorView> {
    this.#examination ??= this.#parts.examine().finally(() => {
      this.#examination = undefined
    })
    return this.#examination
  }

  async rotateDue(caller: Caller) {
    return rotateAll(this, this.#parts.planner.due(), caller)
  }

  async rollback(name: string, options: RollbackOptions, caller: Caller) {
    await this.#readyTo('rollback', name, options)
    return this.#rotations.finish(this.#parts.engine.rollback(name, options.to, caller))
  }

  async endOverlap(name: string, options: Acceptance, caller: Caller) {
    await this.#readyTo('end-overlap', name, options)
    const started = this.#parts.engine.endOverlap(name, caller)
    if (started) return this.#rotations.finish(started)
    throw new OperatorError(`no version of ${name} is in overlap`, { kind: 'refused' })
  }

  async pause(name: string | undefined, until: string | undefined, reason: string, caller: Caller) {
    const moment = until === undefined ? undefined : momentOf(until, 'until')
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

  async import(name: string, files: readonly ImportPart[], options: Acceptance, caller: Caller) {
    // Whom it hits is asked later, once it is known to do anything.
    await this.#readyTo('import', name, { accept_impact: name })
    return importVersion(this.#parts, this.#described(name), files, options, caller)
  }

  async adopt(name: string, caller: Caller) {
    await this.#parts.recover()
    const version = await this.#parts.engine.adopt(name, caller)
    this.#parts.planner.changed(name, version)
    return versionView(version)
  }

  async apply(name: string, options: Acceptance, caller: Caller) {
    await this.#readyTo('apply', name, options)
    return this.#rotations.finish(this.#parts.engine.apply(name, caller))
  }

  async compromise(name: string, options: CompromiseOptions, caller: Caller) {
    return compromise(this.#parts, this.#described(name), options, caller)
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
    if (rotation) {
      const progress = this.#parts.progress(id)
      return { ...rotationView(rotation), ...(progress && { progress }) }
    }
    throw new OperatorError(`there is no rotation ${id}`, {
      kind: 'not-found',
      hint: '`rekeyd history` lists them',
    })
  }

  async audit(after: number, limit: number): Promise<readonly AuditRow[]> {
    return this.#parts.audit.list(after, limit).map((row) => ({ ...row, at: instant(row.at) }))
  }

  async tokenChanged({ done, name, scope, expires }: TokenChange, caller: Caller) {
    const more = scope === undefined ? '' : `, ${scope} until ${expires ?? 'ever'}`
    this.#parts.record(caller, { action: `api-token.${done}`, detail: name + more })
  }

  async backup(to: string | undefined, caller: Caller): Promise<BackupView> {
    const { path, bytes, made } = await this.#parts.backups.make(caller, to)
    return { path, bytes, made: instant(made) }
  }

  async testNotices(channel: string | undefined) {
    return this.#parts.notices.test(channel)
  }

  /**
   * Whatever a crash left open has ended, and nothing stands against replacing what clients use.
   * @throws OperatorError `refused` in mode observe, and where clients break and nobody accepts it
   */
  async #readyTo(verb: ReplacingVerb, name: string, options: Acceptance): Promise<void> {
    const { mode } = this.#parts.surroundings
    const error = observing(mode) ?? impactRefusal(this.#described(name), verb, options)
    if (error) throw error
    await this.#parts.recover()
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
