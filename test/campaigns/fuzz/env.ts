import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { env as envTarget } from '../../../src/targets/env.ts'
import { compose } from '../../../src/targets/env-dialects/compose.ts'
import { docker } from '../../../src/targets/env-dialects/docker.ts'
import { shell } from '../../../src/targets/env-dialects/shell.ts'
import { systemd } from '../../../src/targets/env-dialects/systemd.ts'
import { Variable } from '../../../src/targets/variable.ts'
import { targetContext } from '../../support/file-place.ts'
import { type Change, changed, changes, characters, easyValue, trickyValue } from './arbitraries.ts'
import { type FuzzClass, placeholder } from './fuzz-class.ts'
import {
  type EnvReader,
  type EnvReaders,
  envReaders,
  type Variables,
} from './readers/env-readers.ts'
import type { Trial } from './trial.ts'
import { type Life, lead, refuseLoss, refuseSpread, type Stage, show } from './value-life.ts'

const key = 'TOKEN'
const dialects = { systemd, compose, docker, shell }
type Dialect = keyof typeof dialects

/** A file of variables, in pieces; text of which each character is a byte. */
interface Input {
  readonly dialect: Dialect
  readonly before: readonly string[]
  /** How the variable is written; undefined where it is missing. */
  readonly line: readonly [ahead: string, value: string, behind: string] | undefined
  readonly after: readonly string[]
  readonly wild: string | undefined
  readonly change: Change | undefined
  readonly crlf: boolean
  readonly mark: boolean
  readonly open: boolean
  readonly twice: boolean
  readonly onDisk: boolean
  readonly values: readonly [string, string]
}

interface Outcome {
  readonly dialect: Dialect
  readonly life: Life
}

/** Lines that every dialect reads, each for itself. */
const common = [
  '',
  '# a comment',
  `# ${key}=no`,
  'A=1',
  'B_2=x/y+z=',
  `${key}S=2`,
  `X${key}=3`,
  'C="quoted text"',
  "D='quoted text'",
  'E=',
  `S=${placeholder}`,
]
/** Lines that a dialect has of its own, each for itself. */
const own: Readonly<Record<Dialect, readonly string[]>> = {
  systemd: [
    `; ${key}=no`,
    'F="two\nlines"',
    'G=a\\\n b',
    ' H = blanks ',
    'I=$A ${B}',
    'J=\'a\'"b" c',
  ],
  compose: [
    'export F=1',
    'G: 2',
    'H=v # comment',
    'I="a\\nb"',
    "J='two\nlines'",
    'K=$$x',
    'L=${A}',
    'M',
  ],
  docker: ['F=v # no comment', 'G=  blanks  ', 'H', 'I=$x', '  J=\'"'],
  shell: [
    'export F=1',
    'G=1; H=2',
    'set -a',
    'I=\'a\'"b"c',
    'J=a\\ b',
    'K="${A}"',
    'L=$A',
    'M="x\n y"',
  ],
}
/** How the variable itself may be written. */
const written: Readonly<Record<Dialect | 'all', readonly (readonly [string, string, string])[]>> = {
  all: [
    ['', '', ''],
    ['', 'old', ''],
    ['', placeholder, ''],
    ['', `"${placeholder}"`, ''],
    ['', `'${placeholder}'`, ''],
    ['  ', 'old', ''],
  ],
  systemd: [
    [' ', 'a\\\n b', ' '],
    ['', `'a' "b"`, '\t'],
    ['', '"two\nlines"', ''],
  ],
  compose: [
    ['export ', 'old', ' # comment'],
    ['', '"a\\nb"', ' '],
    ['', "'two\nlines'", ''],
    ['', '$OTHER', ''],
  ],
  docker: [
    ['', '  blanks  ', ''],
    ['', '# no comment', ''],
  ],
  shell: [
    ['export ', 'old', ' # comment'],
    ['A=1; ', 'old', '; B=2'],
    ['', `'a'"b"\\ c`, ''],
    ['', '"$A"', ''],
    ['', 'a\\\nb', ''],
  ],
}
const nasty = fc
  .array(
    fc.oneof(
      characters('\'"\\$`#;&|<>(){}*?~=: \t\n\r'),
      fc.constantFrom(
        key,
        `${key}=`,
        'export ',
        'A',
        '\\\n',
        '$(',
        '${',
        '\xef\xbb\xbf',
        '\xff',
        '\0',
      ),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))

const inputs: fc.Arbitrary<Input> = fc
  .constantFrom(...(Object.keys(dialects) as Dialect[]))
  .chain((dialect) => {
    const lines = fc.array(fc.constantFrom(...common, ...own[dialect]), { maxLength: 4 })
    return fc.record({
      dialect: fc.constant(dialect),
      before: lines,
      line: fc.option(fc.constantFrom(...written.all, ...written[dialect]), {
        nil: undefined,
        freq: 3,
      }),
      after: lines,
      wild: fc.option(nasty, { nil: undefined, freq: 1 }),
      change: fc.option(changes, { nil: undefined, freq: 1 }),
      crlf: seldom(),
      mark: seldom(),
      open: seldom(),
      twice: seldom(),
      onDisk: fc.nat(9).map((number) => number === 1),
      values: fc.tuple(fc.oneof(easyValue, trickyValue), trickyValue),
    })
  })

function seldom() {
  return fc.nat(9).map((number) => number === 1)
}

/** Files of environment variables, in four dialects. */
export const env: FuzzClass<Input, Outcome> = {
  name: 'env',
  share: 30,
  inputs,
  async open() {
    const { by, missing } = await envReaders()
    return { attempt, missing, judge: (outcomes) => judgeAll(outcomes, by) }
  },
}

async function attempt(input: Input, trial: Trial): Promise<Outcome> {
  const { dialect, onDisk } = input
  const { ahead, behind, content: original } = layOut(input, trial)
  const values = input.values.map((value) => trial.plantBytes(value)) as [Buffer, Buffer]
  const slot = new Variable(key, dialects[dialect])
  const target = (path: string) =>
    envTarget.create(envTarget.schema.parse({ path, key, dialect }), targetContext)
  const life = await lead(trial, { slot, target, original, values, onDisk })
  if (!isTame(input)) return { dialect, life }
  if (input.twice) assert.deepEqual(life.stages, [], 'set twice, and not refused')
  else {
    assert.ok(life.stages.length > 0 || !isEasy(values[0]), `refused in ${show(original)}`)
    for (const stage of life.stages) {
      if (!stage.value) continue
      if (input.line) refuseSpread(stage, ahead, behind)
      else refuseLoss(stage, original)
    }
  }
  return { dialect, life }
}

function layOut(input: Input, trial: Trial) {
  const { line } = input
  const row = line && `${line[0]}${key}=`
  const all = (rows: readonly string[]) => rows.map((one) => `${one}\n`).join('')
  const top = `${input.mark ? '\xef\xbb\xbf' : ''}${all(input.before)}`
  const bottom = `${all(input.after)}${input.twice ? `${key}=two\n${key}=one\n` : ''}${input.wild ?? ''}`
  const ahead = `${top}${row ?? bottom}`
  const value = line?.[1] ?? ''
  const behind = line ? `${line[2]}\n${bottom}` : ''
  const ends = (text: string) => (input.crlf ? text.replaceAll('\n', '\r\n') : text)
  const whole = ends(ahead + value + behind)
  const content = input.open ? whole.replace(/\r?\n$/, '') : whole
  return {
    ahead: trial.plantBytes(ends(ahead)).subarray(0, content.length),
    behind: trial.plantBytes(ends(behind)),
    content: changed(trial.plantBytes(content), input.change),
  }
}

/** Whether it is known from outside what the file says, and that it can be changed. */
function isTame({ dialect, wild, change, crlf, mark, open, line, before, after }: Input): boolean {
  if (wild !== undefined || change !== undefined || open) return false
  const lineEnds =
    crlf &&
    (dialect === 'shell' ||
      [...before, ...after, ...(line ?? [])].some((text) => text.includes('\n')))
  return !lineEnds && !(mark && (dialect === 'shell' || dialect === 'systemd'))
}

function isEasy(value: Buffer): boolean {
  return /^[\w+/=.-]+$/.test(value.toString('latin1'))
}

async function judgeAll(
  outcomes: readonly Outcome[],
  by: EnvReaders['by'],
): Promise<readonly (string | undefined)[]> {
  const verdicts: (string | undefined)[] = outcomes.map(() => undefined)
  const written = outcomes.map((outcome, index) => ({ ...outcome, index }))
  const read = Map.groupBy(
    written.filter(({ life }) => life.stages.length > 0),
    ({ dialect, life }) => readerOf(by.get(dialect), life),
  )
  for (const [reader, cases] of read) {
    const files = cases.flatMap(({ life }) => [life.original, ...life.stages.map(contentOf)])
    const found = ((await reader?.read(files)) ?? []).values()
    for (const { life, index } of reader ? cases : []) {
      const original = found.next().value
      const later = life.stages.map(() => found.next().value)
      const verdict = compare(life, original, later)
      if (verdict !== undefined) verdicts[index] = `${reader?.name} ${verdict}`
    }
  }
  return verdicts
}

/** Shells take turns: each takes its time. A case has always the same one. */
function readerOf(readers: readonly EnvReader[] = [], { original }: Life): EnvReader | undefined {
  return readers[original.length % readers.length]
}

const contentOf = ({ content }: Stage) => content
const textOf = (bytes: Buffer | undefined) => bytes?.toString('latin1')

/** What the reader sees must differ by nothing but the value. */
function compare(
  { original, found, stages }: Life,
  before: Variables,
  later: readonly Variables[],
): string | undefined {
  if (!before) return `refuses ${show(original)}, which we changed`
  if (found !== 'refused' && textOf(found) !== (before[key] || undefined)) {
    return `reads ${JSON.stringify(before[key])} in ${show(original)}, we ${textOf(found)}`
  }
  for (const [index, { name, content, value }] of stages.entries()) {
    const variables = later[index]
    if (!variables) return `refuses ${show(content)}, which we made of ${show(original)}`
    if (variables[key] !== textOf(value)) {
      return `reads ${JSON.stringify(variables[key])} in ${show(content)} (${name})`
    }
    if (others(variables) !== others(before)) {
      return `sees other variables change from ${show(original)} to ${show(content)}`
    }
  }
  return undefined
}

function others(variables: Readonly<Record<string, string>>): string {
  const rest = Object.entries(variables).filter(([name]) => name !== key)
  return JSON.stringify(rest.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
