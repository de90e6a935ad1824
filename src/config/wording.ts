import { z } from 'zod'
import { shownWord, suggestion } from './closest.ts'

type Words = {
  readonly [Code in z.core.$ZodIssueCode]: (
    issue: Extract<z.core.$ZodRawIssue, { code: Code }>,
  ) => string
}

const invalid = () => 'is not valid'

const words: Words = {
  invalid_type: ({ expected, input }) => `expected ${article(expected)}, found ${kindOf(input)}`,
  invalid_value: ({ values, input }) => wrongWord(values.map(String), input),
  // Not words but the keys that there are: what was meant is found out where all problems are known.
  unrecognized_keys: ({ inst }) => knownKeys(inst).join(' '),
  too_small: ({ minimum, origin }) => bound('at least', minimum, origin),
  too_big: ({ maximum, origin }) => bound('at most', maximum, origin),
  invalid_format: ({ format }) => (format === 'url' ? 'not a URL' : 'is not written as it must be'),
  // Its alternatives are explained, unless the schema says it in one line.
  invalid_union: () => '',
  not_multiple_of: invalid,
  invalid_key: invalid,
  invalid_element: invalid,
  custom: invalid,
}

/**
 * Words for what a schema says no to, where the schema has none of its own. Without the name of the
 * key, which stands before it; a value is quoted only if it is short.
 */
export const wording = (issue: z.core.$ZodRawIssue): string =>
  (words[issue.code] as (issue: z.core.$ZodRawIssue) => string)(issue)

function wrongWord(allowed: readonly string[], input: unknown): string {
  if (typeof input !== 'string') return `expected one of ${allowed.join(', ')}`
  return unknownWord(input, allowed)
}

/** What to say about a word that is none of those that could have been chosen. */
export function unknownWord(word: string, allowed: readonly string[]): string {
  const shown = shownWord(word, allowed) ?? 'what stands here'
  return `${shown} is unknown${suggestion(word, allowed)}`
}

function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
}

function bound(limit: 'at least' | 'at most', size: number | bigint, origin: string): string {
  const counted: Record<string, string> = { array: 'entries', string: 'characters' }
  const unit = counted[origin]
  if (!unit) return `must be ${limit} ${size}`
  return limit === 'at least' && size === 1 ? 'is empty' : `needs ${limit} ${size} ${unit}`
}

function kindOf(input: unknown): string {
  if (typeof input === 'string') return 'text'
  if (typeof input === 'number' || typeof input === 'boolean') return `the ${typeof input} ${input}`
  if (input === null) return 'nothing'
  return Array.isArray(input) ? 'a list' : 'a map'
}

function article(expected: string): string {
  const words: Record<string, string> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a map',
    record: 'a map',
  }
  return words[expected] ?? expected
}
