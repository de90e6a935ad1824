import type { SecretBytes } from '../../model/secret-bytes.ts'

/** Byte offsets: `start` is in, `end` is out. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** One assignment as the dialect reads it. The caller wipes `text`. */
export interface Assignment {
  readonly name: string
  /** Counts from 1. */
  readonly line: number
  /** From the first byte of the line it begins in to behind the line break it ends with. */
  readonly lines: Range
  /** The value as it is written, quotes included, blanks and comments around it not. */
  readonly written: Range
  /** What the program gets; undefined when that depends on other variables or commands. */
  readonly text: SecretBytes | undefined
}

/** The rules by which a program reads a file of environment variables. */
export interface Dialect {
  /** Line break for a line that is added to a file which uses CRLF. */
  readonly allowsCrlf: boolean
  /**
   * Every assignment, in order.
   * @throws OperatorError naming the line when the program would not read the file, or would read something
   *   that cannot be foreseen
   */
  read(content: Buffer): readonly Assignment[]
  /** Ways to write `value`, the plainest first; none where the dialect cannot express it. The caller wipes them. */
  write(value: Buffer): readonly Buffer[]
}
