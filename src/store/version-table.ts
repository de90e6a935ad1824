import { createHmac, type KeyObject } from 'node:crypto'
import type { Parts } from '../materials/kind.ts'
import { canReactivate, transition } from '../model/lifecycle.ts'
import type { OnFailure, Version, VersionState } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import { withoutNulls } from './audit.ts'
import type { Database } from './database.ts'
import type { RecordAudit } from './guard.ts'
import type { Actor, NewVersion, VersionChange } from './key-store.ts'
import { encodeParts } from './parts-encoding.ts'
import { seal, unseal } from './seal.ts'

/** A version as it lies in the table. */
interface VersionRow extends Omit<Version, 'compromised' | 'attributes'> {
  readonly compromised: number
  readonly attributes: string
}

const columns = `material, number, state, compromised, origin, fingerprint, attributes,
  created_at AS createdAt, not_before AS notBefore, not_after AS notAfter,
  active_since AS activeSince, overlap_until AS overlapUntil, keep_until AS keepUntil,
  on_failure AS onFailure`

/**
 * The rows of versions and their sealed bytes. Key store and journal change them through this, each
 * inside its own guarded transaction; every transition appends its audit row here (invariant I7).
 */
export class VersionTable {
  readonly #db: Database
  readonly #sealKey: KeyObject
  readonly #fingerprintKey: KeyObject

  constructor(db: Database, keys: { readonly seal: KeyObject; readonly fingerprint: KeyObject }) {
    this.#db = db
    this.#sealKey = keys.seal
    this.#fingerprintKey = keys.fingerprint
  }

  get(material: string, number: number): Version | undefined {
    return this.#select('WHERE material = ? AND number = ?', material, number)[0]
  }

  active(material: string): Version | undefined {
    return this.#select(`WHERE material = ? AND state = 'active'`, material)[0]
  }

  list(material: string): readonly Version[] {
    return this.#select('WHERE material = ? ORDER BY number DESC', material)
  }

  materials(): readonly string[] {
    const names = this.#db.prepare('SELECT DISTINCT material FROM versions ORDER BY material')
    return names.pluck().all() as string[]
  }

  insert(version: NewVersion, actor: Actor, now: number, record: RecordAudit): Version {
    const { material } = version
    const number = this.#nextNumber(material)
    const fingerprint = version.fingerprint ?? this.fingerprint(version.parts)
    this.#db
      .prepare(
        `INSERT INTO versions (material, number, state, compromised, origin, fingerprint, attributes,
          created_at, not_before, not_after) VALUES (?, ?, 'prepared', 0, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        material,
        number,
        version.origin,
        fingerprint,
        JSON.stringify(version.attributes),
        now,
        version.notBefore ?? null,
        version.notAfter ?? null,
      )
    const encoded = encodeParts(version.parts)
    const sealed = seal(this.#sealKey, encoded, ['version', material, number])
    encoded.wipe()
    this.#db.prepare('INSERT INTO secrets VALUES (?, ?, ?)').run(material, number, sealed)
    const detail = version.origin
    record(actor, { action: 'version.prepare', material, version: number, fingerprint, detail })
    return this.existing(material, number)
  }

  /** All or nothing, in whatever order they are given: one version may take the other's place. */
  apply(changes: readonly VersionChange[], actor: Actor, now: number, record: RecordAudit): void {
    const leavingFirst = changes.toSorted((a, b) => Number(makesActive(a)) - Number(makesActive(b)))
    for (const change of leavingFirst) this.#applyOne(change, actor, now, record)
  }

  compromise(material: string, number: number, onFailure: OnFailure | undefined): void {
    this.#db
      .prepare(
        `UPDATE versions SET compromised = 1, on_failure = coalesce(?, on_failure)
         WHERE material = ? AND number = ?`,
      )
      .run(onFailure ?? null, material, number)
  }

  /** @throws OperatorError (not-found) */
  existing(material: string, number: number): Version {
    const version = this.get(material, number)
    if (version) return version
    throw new OperatorError(`${material} has no version ${number}`, {
      kind: 'not-found',
      hint: `rekeyd history ${material}`,
    })
  }

  /** The encoded parts; undefined when destroyed, or when the seal does not fit this place. */
  unsealed(material: string, number: number) {
    const statement = 'SELECT sealed FROM secrets WHERE material = ? AND number = ?'
    const sealed = this.#db.prepare(statement).pluck().get(material, number) as Buffer | undefined
    return sealed && unseal(this.#sealKey, sealed, ['version', material, number])
  }

  fingerprint(parts: Parts): string {
    const encoded = encodeParts(parts)
    const hmac = createHmac('sha256', this.#fingerprintKey).update(encoded.bytes).digest('hex')
    encoded.wipe()
    return `hmac:${hmac}`
  }

  #select(where: string, ...values: (string | number)[]): readonly Version[] {
    const rows = this.#db.prepare(`SELECT ${columns} FROM versions ${where}`).all(...values)
    return rows.map((row) => {
      const { attributes, compromised, ...rest } = withoutNulls(row as VersionRow)
      return { ...rest, compromised: compromised === 1, attributes: JSON.parse(attributes) }
    })
  }

  #nextNumber(material: string): number {
    return this.#db
      .prepare(
        `INSERT INTO counters (material, last) VALUES (?, 1 + (SELECT numbers_above FROM store))
         ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last`,
      )
      .pluck()
      .get(material) as number
  }

  #applyOne(change: VersionChange, actor: Actor, now: number, record: RecordAudit): void {
    const { material, number, event } = change
    const version = this.existing(material, number)
    const state = transition(version.state, event)
    refuseUnfit(version, change, state, this.active(material))
    const values = {
      material,
      number,
      state,
      now,
      overlap: change.overlapUntil ?? null,
      keep: change.keepUntil ?? null,
    }
    this.#db.prepare(state === 'active' ? becomeActive : becomeOther).run(values)
    if (state === 'destroyed') {
      // With secure_delete the freed pages are zeroed; the journal's copy goes with the checkpoint.
      this.#db
        .prepare('DELETE FROM secrets WHERE material = ? AND number = ?')
        .run(material, number)
    }
    const { fingerprint } = version
    record(actor, { action: `version.${event}`, material, version: number, fingerprint })
  }
}

/** A clock that went back must not make the newer version look older (fault S9). */
const becomeActive = `
  UPDATE versions SET state = :state, overlap_until = :overlap, keep_until = :keep,
    active_since = max(:now, coalesce((
      SELECT max(active_since) + 1 FROM versions WHERE material = :material), 0))
  WHERE material = :material AND number = :number`

const becomeOther = `
  UPDATE versions SET state = :state, overlap_until = coalesce(:overlap, overlap_until),
    keep_until = coalesce(:keep, keep_until)
  WHERE material = :material AND number = :number`

function makesActive({ event }: VersionChange): boolean {
  return event === 'activate' || event === 'reactivate'
}

function refuseUnfit(
  version: Version,
  { event }: VersionChange,
  state: VersionState,
  active: Version | undefined,
): void {
  if (state !== 'active') return
  const name = `version ${version.number} of ${version.material}`
  if (version.compromised || (event === 'reactivate' && !canReactivate(version))) {
    throw new OperatorError(`${name} is marked compromised: it never becomes active again`, {
      kind: 'refused',
      hint: `make a fresh one: rekeyd rotate ${version.material}`,
    })
  }
  if (active) throw new RangeError(`${name} cannot ${event}: version ${active.number} is active`)
}
