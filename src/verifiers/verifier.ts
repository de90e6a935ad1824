import type { z } from 'zod'
import type { Edition } from '../model/version.ts'
import type { Place } from '../targets/target.ts'

/** An answer. Not being able to tell is not an answer: the methods throw then. */
export type Verdict = { readonly yes: true } | { readonly yes: false; readonly reason: string }

/** Asks the live consumer. Throwing means "could not tell" and is never taken for a yes. */
export interface Verifier {
  readonly type: string
  /** What it asks, for history and errors: `127.0.0.1:7000`, a URL, a path. */
  readonly subject: string
  /**
   * Whether a yes of `accepts` proves that this very edition is in use. Otherwise it only means that the
   * consumer is up, and the result of a rotation is `applied_unproved` unless another verifier proves it.
   */
  readonly proves: boolean
  /** Whether the consumer uses this edition. */
  accepts(edition: Edition, signal: AbortSignal): Promise<Verdict>
  /** Whether the consumer no longer takes the previous edition. Yes means refused. */
  refuses?(previous: Edition, signal: AbortSignal): Promise<Verdict>
  /** Whether the consumer is up, whichever version it uses. */
  ready(signal: AbortSignal): Promise<Verdict>
}

export interface VerifierContext {
  readonly material?: string
  /** The material's targets: the `sqlcipher` verifier takes its path from there. */
  readonly targets: readonly { readonly type: string; readonly place: Place }[]
  editionOf(material: string): Promise<Edition | undefined>
  /** Our own state directory, and where the key of the store in it comes from. */
  readonly stateDir: string
  readonly storeKey: { readonly file: string } | { readonly credential: string }
}

/** An entry of the catalog. */
export interface VerifierType<Options> {
  /** A strict zod object, each key with a description. */
  readonly schema: z.ZodType<Options>
  create(options: Options, context: VerifierContext): Verifier
}
