import type { LifecycleEvent } from '../model/lifecycle.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { OnFailure, Origin, Version } from '../model/version.ts'

/** Who does something and why, for the audit row that every change shares its transaction with. */
export interface Actor {
  /** `schedule`, `recovery`, `cli:alice`, `api:token-name`. */
  readonly who: string
  readonly why?: string
}

/** A version to be stored; the store allots its number. */
export interface NewVersion {
  readonly material: string
  readonly origin: Origin
  readonly parts: Readonly<Record<string, SecretBytes>>
  /** Computed as an HMAC over the parts when absent. */
  readonly fingerprint?: string
  readonly attributes: Readonly<Record<string, string>>
  readonly notBefore?: number
  readonly notAfter?: number
}

/** A change of one version's state, checked against the lifecycle table. */
export interface VersionChange {
  readonly material: string
  readonly number: number
  readonly event: LifecycleEvent
  readonly overlapUntil?: number
  readonly keepUntil?: number
}

/** Versions and their sealed bytes. Synchronous: every change is one durable transaction with its audit row. */
export interface KeyStore {
  /** Stores an adopted or imported version as active (retiring nothing), or an announced one as prepared. */
  put(version: NewVersion, state: 'active' | 'prepared', actor: Actor): Version
  get(material: string, number: number): Version | undefined
  active(material: string): Version | undefined
  /** Newest first. */
  list(material: string): readonly Version[]
  /** The names of all materials that have versions. */
  materials(): readonly string[]
  /**
   * The unsealed parts.
   * @throws OperatorError when destroyed, or when the seal does not match material and version
   */
  secret(material: string, number: number): Readonly<Record<string, SecretBytes>>
  /** Records that somebody was shown the value (`reveal`). */
  revealed(material: string, number: number, actor: Actor): void
  change(changes: readonly VersionChange[], actor: Actor): void
  /**
   * Marks versions as compromised, all in one transaction: they are never given back.
   * @param onFailure the one exception, chosen by a person; undefined leaves what was chosen before
   */
  compromise(
    material: string,
    numbers: readonly number[],
    actor: Actor,
    onFailure?: OnFailure,
  ): void
  /** Overwrites the sealed bytes; the version's row stays. */
  destroy(material: string, number: number, actor: Actor): void
  /** The parts of an open certificate request; `undefined` removes it. */
  setRequest(
    material: string,
    parts: Readonly<Record<string, SecretBytes>> | undefined,
    actor: Actor,
  ): void
  request(material: string): Readonly<Record<string, SecretBytes>> | undefined
  /** `hmac:` and hex: a fingerprint of something found, comparable with those of secret versions. */
  fingerprint(parts: Readonly<Record<string, SecretBytes>>): string
}
