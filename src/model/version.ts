import type { SecretBytes } from './secret-bytes.ts'

/** NIST SP 800-57 pt 1 §7: pre-activation, active, deactivated (twice: in overlap, and kept), destroyed. */
export const versionStates = ['prepared', 'active', 'retiring', 'withdrawn', 'destroyed'] as const
export type VersionState = (typeof versionStates)[number]

/**
 * What happens when the version that replaces a leaked one cannot be proved: it stays although nothing may
 * work with it, or the leaked one is given back all the same.
 */
export type OnFailure = 'stay-down' | 'old'

/** Where a version came from: made by rekeyd, found in use, or brought by the operator. */
export type Origin = 'generated' | 'adopted' | 'imported'

/** One generation of a material: everything about it that is not secret. Times are epoch milliseconds. */
export interface Version {
  readonly material: string
  /** Counts up from 1 and is never used twice. */
  readonly number: number
  readonly state: VersionState
  readonly compromised: boolean
  /** What a person chose with the mark; undefined for what is usual for the material. */
  readonly onFailure?: OnFailure
  readonly origin: Origin
  /**
   * Public materials: `sha256:` and the hex SHA-256 of the public part, or the field's own key id.
   * Secrets: `hmac:` and the hex HMAC-SHA-256 under a key in the store.
   */
  readonly fingerprint: string
  /** What the field records beside the key: algorithm, form, key id, serial, SPKI fingerprint, … Never secret. */
  readonly attributes: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly notBefore?: number
  /** When it stops being valid by itself (certificates). */
  readonly notAfter?: number
  readonly activeSince?: number
  /** Until when clients may still use it, once it is retiring. */
  readonly overlapUntil?: number
  /** Until when rekeyd can still give it back. */
  readonly keepUntil?: number
}

/** A version together with its bytes, in whatever form a target or verifier asks for. */
export interface Edition {
  readonly version: Version
  /**
   * @param part a part of the kind (`private_key`, `certificate`, …); by default its first
   * @param format one of the part's formats (`pkcs8-pem`, `hex`, …); by default its first
   * @throws OperatorError when the kind has no such part or format
   */
  bytes(part?: string, format?: string): Promise<SecretBytes>
}
