import { type KeyObject, randomBytes } from 'node:crypto'
import type { Direction, Rotation, StepName } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Database } from './database.ts'
import type { Guard, RecordAudit } from './guard.ts'
import { HeldTable } from './held-table.ts'
import type { Ending, HeldRecord, Intent, IntentMember, Journal, Unfinished } from './journal.ts'
import type { Actor } from './key-store.ts'
import { reserveRoom } from './reserve.ts'
import { RotationTable } from './rotation-table.ts'
import type { SqliteScheduleState } from './sqlite-schedule-state.ts'
import type { VersionTable } from './version-table.ts'

export interface JournalParts {
  readonly db: Database
  readonly guard: Guard
  readonly versions: VersionTable
  readonly schedule: SqliteScheduleState
  readonly sealKey: KeyObject
}

/** The write-ahead journal in the encrypted database. */
export class SqliteJournal implements Journal {
  readonly #parts: JournalParts
  readonly #rotations: RotationTable
  readonly #held: HeldTable

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.#rotations = new RotationTable(parts.db)
    this.#held = new HeldTable(parts.db, parts.sealKey)
  }

  begin(intent: Intent): { readonly rotation: Rotation; readonly versions: readonly Version[] } {
    const { guard } = this.#parts
    const id = randomBytes(6).toString('hex')
    guard.room(() => reserveRoom(this.#parts.db))
    const versions = guard.change((record) => {
      this.#refuseBusy(intent.members)
      const seq = this.#rotations.insert(id, intent)
      return intent.members.map((member, position) => {
        const version = this.#versionOf(member, intent, record)
        this.#rotations.insertMember(seq, position, member, version?.number)
        this.#recordBegin(id, intent, member, version, record)
        return version
      })
    })
    return {
      rotation: this.#existing(id),
      versions: versions.filter((version) => version !== undefined),
    }
  }

  started(
    id: string,
    step: StepName,
    subject: string | undefined,
    direction: Direction,
    now: number,
  ): number {
    return this.#parts.guard.note(() =>
      this.#rotations.startStep(this.#open(id), step, subject, direction, now),
    )
  }

  ended(id: string, step: number, outcome: 'done' | 'failed', now: number, detail?: string): void {
    this.#parts.guard.note(() =>
      this.#rotations.endStep(this.#open(id), step, outcome, now, detail),
    )
  }

  hold(id: string, held: readonly HeldRecord[]): void {
    const { guard, db } = this.#parts
    guard.change(() => this.#held.replace(this.#open(id), id, held))
    guard.room(() => reserveRoom(db))
  }

  turn(id: string, direction: Direction, detail: string, blamed?: string): void {
    this.#parts.guard.change((record) => {
      this.#rotations.turn(this.#open(id), direction, detail, blamed)
      record(this.#actor(id), { action: 'rotation.turn', detail: `${id} ${direction}: ${detail}` })
    })
  }

  again(id: string): number {
    return this.#parts.guard.change((record) => {
      const tries = this.#rotations.countTry(this.#open(id))
      record(this.#actor(id), { action: 'rotation.again', detail: `${id} try ${tries}` })
      return tries
    })
  }

  finish(id: string, ending: Ending): void {
    const { guard, versions, schedule } = this.#parts
    guard.change((record) => {
      const seq = this.#open(id)
      const actor = this.#actor(id)
      this.#rotations.end(seq, ending)
      this.#held.drop(seq)
      versions.apply(ending.versions, actor, ending.now, record)
      for (const state of ending.schedules) schedule.write(state)
      for (const { material, to } of this.#existing(id).changes) {
        const detail = `${id} ${ending.result}${ending.detail ? `: ${ending.detail}` : ''}`
        const version = to === undefined ? {} : { version: to }
        record(actor, { action: 'rotation.finish', material, ...version, detail })
      }
    })
  }

  unfinished(): readonly Unfinished[] {
    return this.#rotations.unfinished().map(({ seq, rotation }) => ({
      rotation,
      held: this.#held.list(seq, rotation.id),
      observed: this.#rotations.observed(seq),
    }))
  }

  get(id: string): Rotation | undefined {
    return this.#rotations.get(id)
  }

  history(query: {
    readonly material?: string
    readonly limit: number
    readonly before?: string
  }): readonly Rotation[] {
    return this.#rotations.history(query)
  }

  #versionOf(member: IntentMember, intent: Intent, record: RecordAudit): Version | undefined {
    const { versions } = this.#parts
    if (member.make) return versions.insert(member.make, intent.actor, intent.now, record)
    return member.to === undefined ? undefined : versions.existing(member.material, member.to)
  }

  #recordBegin(
    id: string,
    { trigger, actor }: Intent,
    { material }: IntentMember,
    version: Version | undefined,
    record: RecordAudit,
  ): void {
    record(actor, {
      action: 'rotation.begin',
      material,
      ...(version && { version: version.number, fingerprint: version.fingerprint }),
      detail: `${id} ${trigger}`,
    })
  }

  #refuseBusy(members: readonly IntentMember[]): void {
    for (const { material } of members) {
      const id = this.#rotations.openFor(material)
      if (id === undefined) continue
      throw new OperatorError(`rotation ${id} of ${material} is not finished`, {
        kind: 'busy',
        hint: `rekeyd history ${material}`,
      })
    }
  }

  #open(id: string): number {
    const seq = this.#rotations.open(id)
    if (seq === undefined) throw new RangeError(`rotation ${id} is not open`)
    return seq
  }

  #existing(id: string): Rotation {
    const rotation = this.#rotations.get(id)
    if (!rotation) throw new RangeError(`there is no rotation ${id}`)
    return rotation
  }

  #actor(id: string): Actor {
    const { actor, reason } = this.#existing(id)
    return { who: actor, ...(reason === undefined ? {} : { why: reason }) }
  }
}
