import type { z } from 'zod'
import type { Format } from '../model/material.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition, Version } from '../model/version.ts'

/** The bytes of a version, by part, each in the kind's own canonical encoding. This is what the store seals. */
export type Parts = Readonly<Record<string, SecretBytes>>

/** A part that targets can ask for. */
export interface Part {
  /** What {@link MadeHere.render} can encode it as; the first is the default. */
  readonly formats: readonly [Format, ...Format[]]
  /** May be shown to anybody: public keys, certificates. */
  readonly public?: boolean
}

/** A new or adopted version before the store has given it a number. */
export interface Made {
  readonly parts: Parts
  /** As in {@link Version.fingerprint}; absent for pure secrets, where the store computes an HMAC. */
  readonly fingerprint?: string
  readonly attributes: Readonly<Record<string, string>>
  /** Epoch milliseconds. */
  readonly notBefore?: number
  readonly notAfter?: number
}

/** Something found at a target, or handed over by `rekeyd import`. */
export interface Found {
  readonly part: string
  readonly format: Format
  readonly bytes: SecretBytes
  /** Where it was found, for error messages. */
  readonly place: string
}

export interface GenerateRequest {
  readonly material: string
  /** Epoch milliseconds. */
  readonly now: number
  /** The active version, where there is one: a kind may keep a serial number or a salt. */
  readonly previous?: Edition
}

/** A kind whose versions rekeyd makes. */
export interface MadeHere {
  readonly madeBy: 'rekeyd'
  /** Known before any version exists; the first part is the default. */
  readonly parts: Readonly<Record<string, Part>>
  /**
   * Makes the next version and checks it (pair matches, not expired, life long enough).
   * @throws OperatorError when the issuer has nothing acceptable
   */
  generate(request: GenerateRequest, signal: AbortSignal): Promise<Made>
  /**
   * Why `generate` must not be tried out: what it does elsewhere cannot be taken back, or is for somebody else to
   * do. A clause that follows "because".
   */
  readonly scarce?: string
  /** Encodes one part. Never changes `parts`. */
  render(parts: Parts, part: string, format: Format): Promise<SecretBytes>
  /**
   * Reads a version from what is in use or was handed over. All parts of one version are given.
   * @throws OperatorError naming the place when something does not parse or does not belong together
   */
  adopt?(found: readonly Found[], material: string): Promise<Made>
  /** `on_change`: whether the issuer has something else than `active`. Throws when it could not tell (certbot is halfway). */
  changed?(active: Version | undefined, signal: AbortSignal): Promise<boolean>
  /**
   * Asked before a version is replaced, whatever replaces it.
   * @throws OperatorError of kind `refused` for what one host alone must not do
   */
  permit?(): Promise<void>
  /** `csr`: a fresh private key and a PEM request for it; `adopt` later gets the key together with the certificate. */
  request?(request: GenerateRequest): Promise<{ readonly parts: Parts; readonly csr: string }>
}

/** What a consumer was seen to use. */
export interface Observation {
  /** A public value, or a fingerprint of a secret one; compared as text. */
  readonly value: string
  readonly attributes: Readonly<Record<string, string>>
}

/** A kind whose versions the consumer makes: rekeyd archives, provokes, observes and counts. */
export interface MadeByConsumer {
  readonly madeBy: 'consumer'
  /** The value in use now; undefined when there is none (yet). Throws when it could not tell. */
  observe(signal: AbortSignal): Promise<Observation | undefined>
  /** Makes the consumer make the next one. Repeatable only as long as the observed value is unchanged. */
  provoke?(signal: AbortSignal): Promise<void>
  /** Whether the consumer must be stopped for `provoke` (a row deleted from its database). */
  readonly offline: boolean
  /** What is in use, to be kept sealed before it is destroyed; absent where it cannot be read. */
  archive?(signal: AbortSignal): Promise<Made | undefined>
}

export type Kind = MadeHere | MadeByConsumer

/** What a kind may ask of the rest of rekeyd. */
export interface KindContext {
  readonly material: string
  /** The active edition of another material, for `db_key: { material: … }`. */
  editionOf(material: string): Promise<Edition | undefined>
}

/** An entry of the catalog. `Options` are the material's keys beside the common ones. */
export interface KindType<Options> {
  /** A strict zod object of this kind's own options, each with a description. */
  readonly schema: z.ZodObject & z.ZodType<Options>
  create(options: Options, context: KindContext): Kind
  /** Never created by default when missing: a typo in a path must not make a new key (interface.md, `on_missing`). */
  readonly neverCreate?: boolean
  /** Expires by itself: has an emergency line. */
  readonly expires?: boolean
  /** The type of the one target without which the kind makes no sense. */
  readonly target?: string
  /** Whoever has one of this kind has every other material, too. */
  readonly holdsAll?: boolean
  /** What a leak asks for where rekeyd does not reach, as a sentence for the operator. */
  readonly elsewhere?: string
}
