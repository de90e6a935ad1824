import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import { runReader } from './run-reader.ts'

/** Two states of a file between which one value was written, or taken away. */
export interface Comparison {
  readonly format: 'toml' | 'yaml' | 'json'
  readonly old: Buffer
  readonly new: Buffer
  readonly path: readonly string[]
  /** Undefined where it was taken away. */
  readonly value: Buffer | undefined
}

const parsers: Readonly<Record<Comparison['format'], (text: string) => unknown>> = {
  toml: (text) => parseToml(text, { integersAsBigInt: 'asNeeded' }),
  yaml: (text) => parseYaml(text, { logLevel: 'silent' }) as unknown,
  json: (text) => JSON.parse(text) as unknown,
}

/** @returns what the library of the format objects to */
export function objectionHere(one: Comparison): string | undefined {
  const [before, after] = [one.old, one.new].map((content) =>
    parsers[one.format](content.toString('utf8').replace(/^\ufeff/, '')),
  )
  const found = at(after, one.path)
  const wanted = one.value?.toString('utf8')
  if (found !== wanted && !(wanted === undefined && found === null)) {
    return `the library reads ${JSON.stringify(found)}`
  }
  // Elements of a list move up where one of them goes.
  const isMoved = wanted === undefined && Array.isArray(at(before, one.path.slice(0, -1)))
  const rest = isMoved ? after : without(after, one.path)
  return isDeepStrictEqual(rest, without(before, one.path))
    ? undefined
    : 'the library sees something else change'
}

/** @returns for each what parsers of Python's object to; undefined where there is no such Python */
export async function objectionsOfPython(
  all: readonly Comparison[],
): Promise<readonly (string | undefined)[] | undefined> {
  const script = join(import.meta.dirname, 'structured_text.py')
  const questions = all.map((one) => ({
    ...one,
    old: one.old.toString('base64'),
    new: one.new.toString('base64'),
    value: one.value?.toString('base64') ?? null,
  }))
  const stdin = questions.map((question) => `${JSON.stringify(question)}\n`).join('')
  const { exit, stdout, stderr } = await runReader(['python3', script], { stdin }).catch(nothing)
  if (/ModuleNotFoundError/.test(stderr.toString()) || exit === undefined) return undefined
  if (exit !== 0) throw new Error(stderr.toString())
  const answers = stdout
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)
  return all.map((_, index) =>
    typeof answers[index] === 'string' ? `Python ${answers[index]}` : undefined,
  )
}

const nothing = () => ({ exit: undefined, stdout: '', stderr: '' })

function at(data: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (holder, name) =>
      typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name)
        ? Reflect.get(holder, name)
        : undefined,
    data,
  )
}

/** A copy without what is at the path; a map that is empty then is as good as absent. */
function without(data: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return undefined
  if (typeof data !== 'object' || data === null) return data ?? undefined
  const inner = without(at(data, [name]), rest)
  if (Array.isArray(data)) {
    return data.flatMap((item: unknown, index) =>
      String(index) !== name ? [item] : inner === undefined ? [] : [inner],
    )
  }
  const kept = Object.entries(data).filter(([key]) => key !== name)
  if (inner !== undefined) kept.push([name, inner])
  return kept.length === 0 ? undefined : new Map(kept)
}
