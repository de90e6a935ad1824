import * as fc from 'fast-check'
import { placeholder } from './fuzz-class.ts'

/** UTF-8 as text of which each character is a byte. */
function binary(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** One of the characters. */
export function characters(all: string): fc.Arbitrary<string> {
  return fc.constantFrom(...all.split(''))
}

/** A value that every format can hold, a secret in it. */
export const easyValue = fc
  .stringMatching(/^[A-Za-z0-9+/=_.-]{0,20}$/)
  .map((text) => `${placeholder}${text}`)

/** Text with all that quoting can stumble over. */
const trickyText = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: characters('\'"\\$`#;&|<>()[]{}*?!~^%@,:=+-_/ \t\n\r') },
      characters('abAZ09'),
      fc.constantFrom(
        ' #',
        ': ',
        '- ',
        '\\n',
        '$$',
        '${x}',
        '\r\n',
        'é',
        '\u2028',
        '\u0085',
        '\ufeff',
        '😀',
        '\u007f',
        '\u0001',
        "'''",
        '"""',
        '---',
        '<<',
        '!!str',
        '&a',
        '*a',
      ),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
    ),
    { minLength: 1, maxLength: 10 },
  )
  .map((pieces) => pieces.join(''))

/** A value as bytes: text, not all of it UTF-8, or with a NUL. */
export const trickyValue = fc.oneof(
  { weight: 6, arbitrary: trickyText.map((text) => binary(text) + placeholder) },
  { weight: 2, arbitrary: trickyText.map((text) => placeholder + binary(text)) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ minLength: 1, maxLength: 12 })
      .map((bytes) => Buffer.from(bytes).toString('latin1')),
  },
)

/** Something done to the bytes of a file. */
export interface Change {
  /** A share of the length. */
  readonly at: number
  readonly remove: number
  readonly insert: string
  /** Whether everything behind is cut off. */
  readonly cut: boolean
}

/** Noise in a file. */
export const changes: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(3),
  insert: fc.oneof(
    fc.constantFrom(
      '',
      '\n',
      '"',
      "'",
      '\\',
      '=',
      '#',
      '[',
      ']',
      '{',
      '}',
      ':',
      ',',
      '\0',
      '\t',
      '\r',
      '\xff',
      '\x1b[2J',
    ),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  ),
  cut: fc.nat(9).map((number) => number === 1),
})

export function changed(content: Buffer, change: Change | undefined): Buffer {
  if (!change) return content
  const at = Math.round(change.at * content.length)
  const rest = change.cut ? [] : [content.subarray(at + change.remove)]
  return Buffer.concat([content.subarray(0, at), Buffer.from(change.insert, 'latin1'), ...rest])
}
