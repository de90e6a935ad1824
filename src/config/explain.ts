import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import { closest, suggestion } from './closest.ts'
import type { ConfigDocument } from './config-document.ts'
import { type Path, type Problem, quoted } from './problem.ts'
import { unknownWord, wording } from './wording.ts'

type Issue = z.core.$ZodIssue

/** Checks the document against the schema. Problems are what the operator reads, one for each place. */
export function applySchema<T>(
  schema: z.ZodType<T>,
  document: ConfigDocument,
): { readonly parsed: T } | { readonly problems: readonly Problem[] } {
  const { data, error } = schema.safeParse(document.value, { error: wording })
  if (!error) return { parsed: data }
  const problems = error.issues.flatMap((issue) => explain(issue, [], document))
  return { problems: problems.filter((problem) => !followsFromTypo(problem, problems)) }
}

/** A problem, and what it is about where another one may explain it. */
interface Explained extends Problem {
  /** Where an unknown key stands, and the key that was probably meant. */
  readonly typo?: { readonly holder: Path; readonly meant: string | undefined }
  /** Where a key is missing; without a key, where something is wrong with a map as a whole. */
  readonly lack?: { readonly holder: Path; readonly key?: string | number | undefined }
}

/** A misspelt key is missing, too: one error is enough. */
function followsFromTypo({ lack }: Explained, problems: readonly Explained[]): boolean {
  if (!lack) return false
  return problems.some(
    ({ typo }) =>
      typo &&
      isDeepStrictEqual(typo.holder, lack.holder) &&
      (lack.key === undefined || lack.key === typo.meant),
  )
}

function explain(issue: Issue, above: Path, document: ConfigDocument): Explained[] {
  const path: Path = [...above, ...(issue.path as Path)]
  const value = valueAt(document.value, path)
  if (value === undefined && issue.code !== 'custom') return [missing(issue, path, document)]
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ').filter(Boolean)
    return issue.keys.map((key) => unknownKey(path, key, known))
  }
  if (issue.code === 'invalid_union') return explainUnion(issue, path, document)
  if (issue.code === 'invalid_key') {
    return [{ path, at: 'key', message: issue.issues[0]?.message ?? issue.message }]
  }
  const message = about(path, value, scalarMessage(issue, path, document))
  return [{ path, message, ...(issue.code === 'custom' && { lack: { holder: path } }) }]
}

function unknownKey(holder: Path, key: string, known: readonly string[]): Explained {
  const message = `unknown key ${quoted(key)}${suggestion(key, known)}`
  const typo = { holder, meant: closest(key, known) }
  return { path: [...holder, key], at: 'key', message, typo }
}

function missing(issue: Issue, path: Path, document: ConfigDocument): Explained {
  const holder = path.slice(0, -1)
  const key = path.at(-1)
  // The key that tells alternatives apart: none of them has looked at the other keys.
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const near = Object.keys(Object(valueAt(document.value, holder))).find((given) =>
      closest(given, [String(key)]),
    )
    if (near !== undefined) return unknownKey(holder, near, [String(key)])
  }
  const name = nameOf(holder)
  const message = `\`${key}\` is missing${name ? ` in ${name}` : ''}`
  return { path: holder, at: 'key', message, lack: { holder, key } }
}

function scalarMessage(issue: Issue, path: Path, document: ConfigDocument): string {
  const value = valueAt(document.value, path)
  if (issue.code !== 'invalid_type' || issue.expected !== 'string') return issue.message
  if (typeof value !== 'number') return issue.message
  const written = document.written(path) ?? ''
  if (/^0o?[0-7]+$/.test(written)) {
    return `unquoted ${written} is the number ${value}; write "${written.replace('o', '')}"`
  }
  return issue.message.startsWith('expected') ? `${issue.message}; quote it` : issue.message
}

/**
 * Of the forms a value may have, explains the one that was meant: that with the fewest misfits at its
 * top. Where none stands out, what was chosen is not among the choices.
 */
function explainUnion(
  issue: Issue & { code: 'invalid_union' },
  path: Path,
  document: ConfigDocument,
): Explained[] {
  const value = valueAt(document.value, path)
  if (issue.discriminator !== undefined) {
    const names = 'options' in issue ? (issue.options ?? []).map(String) : []
    return [{ path, message: about(path, value, notAmong(value, names)) }]
  }
  if (issue.message) return [{ path, message: about(path, value, issue.message) }]
  const ranked = issue.errors
    .map((errors) => ({ errors, misfits: misfits(errors) }))
    .toSorted((a, b) => a.misfits - b.misfits)
  const [best, second] = ranked
  if (best && best.misfits < otherType && best.misfits !== second?.misfits) {
    return best.errors.flatMap((error) => explain(error, path, document))
  }
  return [noneStandsOut(value, path, namesIn(issue.errors))]
}

function noneStandsOut(value: unknown, path: Path, names: readonly string[]): Explained {
  if (typeof value !== 'object' || value === null) {
    return { path, message: about(path, value, notAmong(value, names)) }
  }
  const given = Object.keys(value)
  const unknown = given.find((key) => !names.includes(key))
  if (unknown === undefined && given.length > 1) {
    return { path, message: `${given.map((key) => `\`${key}\``).join(' and ')} exclude each other` }
  }
  if (unknown === undefined) {
    return { path, message: about(path, value, `needs one of ${names.join(', ')}`) }
  }
  return unknownKey(path, unknown, names)
}

const otherType = 100

function misfits(errors: readonly Issue[]): number {
  let sum = 0
  for (const error of errors) {
    if (error.code === 'unrecognized_keys' && error.path.length === 0) sum += error.keys.length
    else if (error.path.length === 0 && error.code !== 'custom') sum += otherType
    else if (error.path.length === 1) sum += 1
  }
  return sum
}

/** What could have been chosen: the words, and the keys that were missed. */
function namesIn(alternatives: readonly (readonly Issue[])[]): string[] {
  const names = alternatives.flat().flatMap((issue) => {
    if (issue.code === 'invalid_value' && issue.path.length === 0) return issue.values.map(String)
    return issue.path.length === 1 ? [String(issue.path[0])] : []
  })
  return [...new Set(names)]
}

function notAmong(value: unknown, names: readonly string[]): string {
  if (names.length === 0) return 'expected a map'
  if (typeof value !== 'string') return `expected one of ${names.join(', ')}`
  return unknownWord(value, names)
}

function about(path: Path, value: unknown, message: string): string {
  const name = nameOf(path)
  const said = value === null ? 'is empty' : message
  if (!name) return said
  return /^(is|does|needs|must|lets)\b/.test(said) ? `${name} ${said}` : `${name}: ${said}`
}

/** The key that the operator would name: an item of a list goes by that of the list. */
function nameOf(path: Path): string | undefined {
  const key = path.findLast((segment) => typeof segment === 'string')
  return key === undefined ? undefined : quoted(key)
}

/** Undefined where the document has nothing: never something inherited. */
function valueAt(top: unknown, path: Path): unknown {
  let value = top
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) {
      return undefined
    }
    value = (value as Record<string | number, unknown>)[segment]
  }
  return value
}
