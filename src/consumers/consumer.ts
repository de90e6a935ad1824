import type { z } from 'zod'
import type { Remark } from '../model/remark.ts'
import type { Account } from '../support/accounts.ts'
import type { Place } from '../targets/target.ts'

/** How a consumer is made to take up a change, weakest first. */
export const verbs = ['none', 'signal', 'reload', 'restart', 'recreate', 'stop-start'] as const
export type Verb = (typeof verbs)[number]

/** The service that reads a material. Every method may be repeated. */
export interface Consumer {
  /** Whether `stop` and `start` exist for it; without, offline targets are refused. */
  readonly canStop: boolean
  /**
   * Proves that rekeyd may do what it will have to: the unit, container or process exists, permission is there.
   * @throws OperatorError with the fix
   */
  check(signal: AbortSignal): Promise<void>
  /** Returns when it no longer runs. Not running is success. */
  stop(signal: AbortSignal): Promise<void>
  /** Starts it, clearing an earlier failure first. Running is success. Not proof that it is ready. */
  start(signal: AbortSignal): Promise<void>
  /** One of the verbs below `stop-start`. */
  apply(verb: Verb, signal: AbortSignal): Promise<void>
  /** Whether a change at `place` is in use after `verb`. */
  picksUp(verb: Verb, place: Place): boolean
  /**
   * What stands against a change of these places being taken up, beyond {@link Consumer.check}: how this very unit
   * or container gets at them. Changes nothing.
   */
  examine?(uptake: Uptake, signal: AbortSignal): Promise<readonly Remark[]>
  /** As whom it, or what starts it, opens a place; undefined where that cannot be told. */
  account?(place: Place, signal: AbortSignal): Promise<Account | undefined>
}

/** How a consumer is to take up a change. */
export interface Uptake {
  readonly verb: Verb
  readonly places: readonly Place[]
}

/** An entry of the catalog. */
export interface ConsumerType<Options> {
  /** A strict zod object, each key with a description. */
  readonly schema: z.ZodType<Options>
  create(options: Options): Consumer
}
