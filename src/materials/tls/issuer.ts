import type { z } from 'zod'
import type { KeyAlgorithm } from '../../formats/key-algorithm.ts'
import type { MadeHere } from '../kind.ts'
import type { Credential } from './credential.ts'

/** What an issuer yields; the kind checks it before it is stored. */
export interface Issued extends Credential {
  /** Where it comes from, to begin messages with. */
  readonly source: string
  /**
   * Set where something else than the lifetime asked for decides when the certificate ends: why it cannot end
   * later.
   */
  readonly limit?: string
}

/** What the config asks of an issuer that makes keys or certificates. */
export interface Wish {
  /** DNS names and IP addresses, normalized. */
  readonly names: readonly string[]
  readonly algorithm: KeyAlgorithm
  /** Milliseconds. */
  readonly lifetime: number
}

/** Where certificates come from. */
export interface Issuer {
  /**
   * @param now epoch milliseconds
   * @throws OperatorError when there is nothing to be had
   */
  issue(now: number, signal: AbortSignal): Promise<Issued>
  /** As {@link MadeHere.changed}; throws OperatorError when it could not tell: ask again. */
  readonly changed?: NonNullable<MadeHere['changed']>
  /** As {@link MadeHere.request}. */
  readonly request?: NonNullable<MadeHere['request']>
}

/** An entry in the table of issuers. */
export interface IssuerType<Options> {
  readonly schema: z.ZodType<Options>
  create(options: Options, wish: Wish): Issuer
  /** What of the {@link Wish} shapes what it yields, beside the names; the rest must be absent from the config. */
  readonly heeds: readonly ('algorithm' | 'lifetime')[]
  /** As {@link MadeHere.scarce}. */
  readonly scarce?: string
  /** Whether what is adopted was delivered by it, and so must be as sound as what it issues. */
  readonly delivers: boolean
}
