import type { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'

/**
 * How one value sits in the content of a file: all of it, or one key. Pure: bytes in, fresh bytes out;
 * arguments stay the caller's. Every method throws {@link slotError} for content that cannot be read or
 * changed with certainty.
 */
export interface Slot {
  /** The value; undefined when it is not there. */
  get(content: Buffer): Promise<SecretBytes | undefined>
  /**
   * The content with `value` in it, every byte outside the value kept.
   * @param content undefined when there is no file yet
   */
  set(content: Buffer | undefined, value: Buffer): Promise<SecretBytes>
  /** The content without the value; undefined when the file has to go. */
  remove(content: Buffer): Promise<SecretBytes | undefined>
  /** The content with the value as it is written in `before`, or without it where `before` has none. */
  restore(content: Buffer, before: Buffer): Promise<SecretBytes | undefined>
}

/** Where in the content something is wrong; both count from 1, columns in characters or bytes. */
export interface Position {
  readonly line: number
  readonly column?: number
}

/** Why the content cannot be read or changed. Quotes nothing; the caller puts the path in front. */
export function slotError(text: string, at?: Position, hint?: string): OperatorError {
  return new OperatorError(located(text, at), { ...(hint !== undefined && { hint }) })
}

/** There is something, readable, that is not a value of ours: drift, where {@link slotError} is "could not tell". */
export function foreignValue(text: string, at: Position | undefined, hint: string): OperatorError {
  return new OperatorError(located(text, at), { kind: 'refused', hint })
}

function located(text: string, at: Position | undefined): string {
  const column = at?.column === undefined ? '' : `:${at.column}`
  return at ? `${at.line}${column}: ${text}` : ` ${text}`
}
