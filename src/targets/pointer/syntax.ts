/** Offsets into text, in UTF-16 units: `start` is in, `end` is out. */
export interface TextRange {
  readonly start: number
  readonly end: number
}

/** Where a value stands, or how it can be added. */
export type Spot =
  | {
      readonly written: TextRange
      /** What goes when the value is removed: its key, and a line or a comma. */
      readonly member: TextRange
      /** Has to stand around a new value: a blank before, a line break behind. */
      readonly around?: readonly [string, string]
    }
  | {
      readonly written?: undefined
      readonly insertAt: number
      /** Goes before and behind the new value, key included. */
      readonly around: readonly [string, string]
    }

/** A text format in which a JSON pointer names a value. */
export interface Syntax {
  readonly name: string
  /**
   * Plain data.
   * @throws OperatorError naming line and column, never quoting
   */
  parse(text: string): Promise<unknown>
  /**
   * Finds the value at `path` in text that {@link parse} accepts.
   * @throws OperatorError when it cannot be changed with certainty, or added unambiguously
   */
  find(text: string, path: readonly string[]): Promise<Spot>
  /** Writes a string, in the manner of the `present` one where that is possible. */
  write(value: string, present: string | undefined): string
}

/** What is a line break, or not allowed, to TOML or to a reader of YAML 1.1. */
const unsafe = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g

/** A JSON string that is also a basic string of TOML and a double-quoted scalar of YAML, 1.1 included. */
export function writeDoubleQuoted(value: string): string {
  return JSON.stringify(value).replace(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** From the beginning of the line of `start` to behind the line break after `end`. */
export function wholeLines(text: string, start: number, end: number): TextRange {
  return { start: text.lastIndexOf('\n', start - 1) + 1, end: lineEnd(text, end) }
}

/** Behind the next line break, or the end. */
export function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from)
  return at === -1 ? text.length : at + 1
}

/** The line break that the text uses. */
export function lineBreakOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

/** Takes the comma before a member, or the one behind the first. */
export function listed(ranges: readonly TextRange[], index: number): TextRange {
  const own = ranges[index] ?? { start: 0, end: 0 }
  const previous = ranges[index - 1]
  const next = ranges[index + 1]
  if (previous) return { start: previous.end, end: own.end }
  return next ? { start: own.start, end: next.start } : own
}
