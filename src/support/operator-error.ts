/**
 * What went wrong, in terms of what the operator can do about it. The CLI maps each kind to an exit
 * code and the admin API to a status (interface.md, "Command line").
 */
export type ErrorKind =
  | 'failed'
  | 'usage'
  | 'config'
  | 'locked'
  | 'refused'
  | 'rolled-back'
  | 'needs-attention'
  | 'busy'
  | 'not-found'

export interface OperatorErrorOptions {
  readonly kind?: ErrorKind
  /** What to type or change next; printed after `hint:`. */
  readonly hint?: string
  readonly cause?: unknown
}

/** An error whose message is written for the operator: what is wrong, where, and what to do next. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly kind: ErrorKind
  readonly hint: string | undefined

  constructor(message: string, options: OperatorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = options.kind ?? 'failed'
    this.hint = options.hint
  }
}

/** The message of anything thrown, without stack, cause or properties (those may quote input). */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether `error` is a system error with one of these codes (`ENOENT`, `EEXIST`, …). */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
