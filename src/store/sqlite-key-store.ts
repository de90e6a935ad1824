import type { KeyObject } from 'node:crypto'
import type { Parts } from '../materials/kind.ts'
import type { OnFailure, Version } from '../model/version.ts'
import { OperatorError } from '../support/operator-error.ts'
import { type Database, isSqliteError } from './database.ts'
import type { Guard } from './guard.ts'
import type { Actor, KeyStore, NewVersion, VersionChange } from './key-store.ts'
import { decodeParts, encodeParts } from './parts-encoding.ts'
import { reserveRoom } from './reserve.ts'
import { seal, unseal } from './seal.ts'
import type { VersionTable } from './version-table.ts'

/** The key store in the encrypted database. */
export class SqliteKeyStore implements KeyStore {
  readonly #db: Database
  readonly #guard: Guard
  readonly #versions: VersionTable
  readonly #sealKey: KeyObject

  constructor(parts: {
    readonly db: Database
    readonly guard: Guard
    readonly versions: VersionTable
    readonly sealKey: KeyObject
  }) {
    this.#db = parts.db
    this.#guard = parts.guard
    this.#versions = parts.versions
    this.#sealKey = parts.sealKey
  }

  /** As active only where nothing is: to take an active version's place, put it as prepared and `change` both. */
  put(version: NewVersion, state: 'active' | 'prepared', actor: Actor): Version {
    const now = this.#guard.now()
    return this.#guard.change((record) => {
      const { material, number } = this.#versions.insert(version, actor, now, record)
      if (state === 'active') {
        this.#versions.apply([{ material, number, event: 'activate' }], actor, now, record)
      }
      return this.#versions.existing(material, number)
    })
  }

  get(material: string, number: number): Version | undefined {
    return this.#versions.get(material, number)
  }

  active(material: string): Version | undefined {
    return this.#versions.active(material)
  }

  list(material: string): readonly Version[] {
    return this.#versions.list(material)
  }

  materials(): readonly string[] {
    return this.#versions.materials()
  }

  secret(material: string, number: number): Parts {
    const { state } = this.#versions.existing(material, number)
    if (state === 'destroyed') {
      throw new OperatorError(`version ${number} of ${material} is destroyed: its bytes are gone`, {
        kind: 'refused',
        hint: 'a backup from before may still have it: rekeyd restore',
      })
    }
    const encoded = this.#versions.unsealed(material, number)
    if (!encoded) throw brokenSeal(`version ${number} of ${material}`)
    try {
      return decodeParts(encoded)
    } finally {
      encoded.wipe()
    }
  }

  revealed(material: string, number: number, actor: Actor): void {
    const { fingerprint } = this.#versions.existing(material, number)
    this.#guard.change((record) =>
      record(actor, { action: 'version.reveal', material, version: number, fingerprint }),
    )
  }

  change(changes: readonly VersionChange[], actor: Actor): void {
    const now = this.#guard.now()
    this.#guard.change((record) => this.#versions.apply(changes, actor, now, record))
    if (changes.some(({ event }) => event === 'destroy')) this.#scrubLog()
  }

  compromise(
    material: string,
    numbers: readonly number[],
    actor: Actor,
    onFailure?: OnFailure,
  ): void {
    this.#guard.change((record) => {
      for (const number of numbers) {
        this.#versions.compromise(material, number, onFailure)
        const { fingerprint } = this.#versions.existing(material, number)
        record(actor, {
          action: 'version.compromise',
          material,
          version: number,
          fingerprint,
          ...(onFailure && { detail: `on failure: ${onFailure}` }),
        })
      }
    })
  }

  destroy(material: string, number: number, actor: Actor): void {
    this.change([{ material, number, event: 'destroy' }], actor)
  }

  setRequest(material: string, parts: Parts | undefined, actor: Actor): void {
    this.#guard.change((record) => {
      this.#db.prepare('DELETE FROM requests WHERE material = ?').run(material)
      if (parts) this.#insertRequest(material, parts)
      record(actor, { action: parts ? 'request.open' : 'request.close', material })
    })
  }

  request(material: string): Parts | undefined {
    const statement = this.#db.prepare('SELECT sealed FROM requests WHERE material = ?').pluck()
    const sealed = statement.get(material) as Buffer | undefined
    if (!sealed) return undefined
    const encoded = unseal(this.#sealKey, sealed, ['request', material])
    if (!encoded) throw brokenSeal(`the certificate request of ${material}`)
    try {
      return decodeParts(encoded)
    } finally {
      encoded.wipe()
    }
  }

  fingerprint(parts: Parts): string {
    return this.#versions.fingerprint(parts)
  }

  #insertRequest(material: string, parts: Parts): void {
    const encoded = encodeParts(parts)
    const sealed = seal(this.#sealKey, encoded, ['request', material])
    encoded.wipe()
    this.#db.prepare('INSERT INTO requests VALUES (?, ?)').run(material, sealed)
  }

  /** Old pages linger in the write-ahead log: it is emptied, then made long again for a rotation under way. */
  #scrubLog(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
    try {
      reserveRoom(this.#db)
    } catch (error) {
      // The bytes are gone all the same; the next rotation makes room, or says that it cannot.
      if (!isSqliteError(error, 'SQLITE_FULL')) throw error
    }
  }
}

function brokenSeal(what: string): OperatorError {
  return new OperatorError(`the seal of ${what} is broken: the store was changed from outside`, {
    kind: 'needs-attention',
    hint: 'restore a backup and find out who could write to state_dir',
  })
}
