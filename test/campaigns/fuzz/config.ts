import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import type { Config } from '../../../src/config/config.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { OperatorError } from '../../../src/support/operator-error.ts'
import { type Change, changed, changes } from './arbitraries.ts'
import { type Fault, faults, faulty, soundConfigs } from './config-text.ts'
import type { FuzzClass } from './fuzz-class.ts'
import type { Trial } from './trial.ts'

/** Milliseconds of the processor's time within which a config is refused. */
const soon = 5_000
const largest = 1024 * 1024

interface Text {
  readonly lines: readonly string[]
  readonly faults: readonly Fault[]
  readonly change: Change | undefined
  readonly ends: '\n' | '\r\n'
  readonly mark: boolean
  readonly now: number
}

type Input =
  | Text
  /** Nothing but the same again and again. */
  | { readonly again: string; readonly size: number }
  | { readonly file: keyof typeof files; readonly lines: readonly string[] }
  | { readonly aliases: number }
  | { readonly materials: number }

/** What a config is made of, to be loaded and judged. */
interface Case {
  readonly content: Buffer
  /** Done to the file before it is read. */
  readonly prepare?: (path: string, folder: string) => void
  readonly now?: number
  /** Undefined where it is not certain. */
  readonly refused?: boolean | undefined
  readonly line?: number | undefined
  /** Whether a refusal may be about the file as a whole. */
  readonly whole?: boolean
}

/** What holds up a parser, or blows it up, when there is much of it. */
const repeated = [
  ...' \n\t\0#a"\'\\\r|>@`\ufeff'.split(''),
  'a: 1\n',
  'a: *b\n',
  'a:\n ',
  'a: &a [x]\n',
  '<<: *a\n',
  '- ',
  '-\n',
  '? ',
  ': ',
  '[',
  '{',
  '{a: ',
  '[{',
  '"\\',
  '!!str ',
  '!a',
  '&a ',
  '*a ',
  '&a [*a, ',
  '---\n',
  '...\n',
  '%YAML 1.2\n---\n',
  '😀',
]

const asRoot = process.geteuid?.() === 0

/** States that the file may be in, and whether it is refused then. */
const files = {
  sound: { refused: false, prepare: () => {} },
  'writable by everybody': { refused: true, prepare: (path: string) => chmodSync(path, 0o602) },
  'writable by its group': { refused: true, prepare: (path: string) => chmodSync(path, 0o660) },
  absent: { refused: true, prepare: (path: string) => rmSync(path) },
  unreadable: { refused: !asRoot, prepare: (path: string) => chmodSync(path, 0) },
  empty: { refused: true, prepare: (path: string) => truncateSync(path) },
  sparse: { refused: true, prepare: (path: string) => truncateSync(path, 2 ** 33) },
  'a folder': {
    refused: true,
    prepare: (path: string) => {
      rmSync(path)
      mkdirSync(path)
    },
  },
  'a pipe': {
    refused: true,
    prepare: (path: string) => {
      rmSync(path)
      execFileSync('mkfifo', [path])
    },
  },
  'a link': {
    refused: false,
    prepare: (path: string) => {
      renameSync(path, `${path}.there`)
      symlinkSync(`${path}.there`, path)
    },
  },
  'a loop': {
    refused: true,
    prepare: (path: string) => {
      rmSync(path)
      symlinkSync(path, path)
    },
  },
  'a link to a device': {
    refused: true,
    prepare: (path: string) => {
      rmSync(path)
      symlinkSync('/dev/zero', path)
    },
  },
  'below a file': {
    refused: true,
    prepare: (path: string, folder: string) => {
      rmSync(folder, { recursive: true })
      writeFileSync(folder, path)
    },
  },
  'with a store key that others read': {
    refused: true,
    prepare: (_: string, folder: string) =>
      writeFileSync(join(folder, 'store.key'), 'k'.repeat(32), { mode: 0o644 }),
  },
} satisfies Record<string, Pick<Case, 'refused' | 'prepare'>>

const inputs: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 400,
    arbitrary: fc.record({
      lines: soundConfigs,
      faults: fc.array(faults, { maxLength: 2 }),
      change: fc.option(changes, { nil: undefined, freq: 1 }),
      ends: fc.constantFrom('\n', '\n', '\n', '\r\n'),
      mark: fc.nat(9).map((number) => number === 1),
      now: fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2090, 0) }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      again: fc.constantFrom(...repeated),
      size: fc.constantFrom(1, 300, 20_000, 60_000, 200_000, largest, 10 * largest),
    }),
  },
  {
    weight: 16,
    arbitrary: fc.record({
      file: fc.constantFrom(...(Object.keys(files) as (keyof typeof files)[])),
      lines: soundConfigs,
    }),
  },
  { weight: 3, arbitrary: fc.record({ aliases: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ materials: fc.constantFrom(4, 20, 100, 400, 10_000) }) },
)

/** The configuration file. */
export const config: FuzzClass<Input, void> = {
  name: 'config',
  share: 40,
  // 10 000 materials are no fault; on a busy machine they take their time.
  patience: 20_000,
  inputs,
  open: async () => ({ attempt }),
}

async function attempt(input: Input, trial: Trial): Promise<void> {
  const folder = join(trial.folder, 'etc')
  const path = join(folder, 'rekeyd.yaml')
  const one = caseOf(input, folder, trial)
  mkdirSync(folder)
  writeFileSync(path, one.content, { mode: 0o600 })
  one.prepare?.(path, folder)
  const began = process.cpuUsage()
  const { value, refusal } = await trial.ask(() =>
    loadConfig({ path, now: one.now ?? Date.UTC(2027, 2, 1) }),
  )
  const { user, system } = process.cpuUsage(began)
  assert.deepEqual(Reflect.ownKeys(Object.prototype).length, prototypeKeys, 'Object.prototype')
  if (refusal) {
    assert.ok((user + system) / 1_000 < soon, `refused after ${(user + system) / 1_000} ms`)
    assert.notEqual(one.refused, false, `refused: ${refusal.message}`)
    judgeRefusal(refusal, path, one)
  } else {
    assert.notEqual(one.refused, true, 'accepted')
    judgeConfig(value)
  }
}

const prototypeKeys = Reflect.ownKeys(Object.prototype).length

function caseOf(input: Input, folder: string, trial: Trial): Case {
  const bytes = (text: string) => Buffer.from(trial.plant(text).replaceAll('@/', `${folder}/`))
  if ('again' in input) {
    const { again, size } = input
    const content = Buffer.from(again.repeat(Math.ceil(size / Buffer.byteLength(again))))
    return { content, refused: true, whole: content.length > largest }
  }
  if ('file' in input) {
    const { prepare, refused } = files[input.file]
    return { content: bytes(input.lines.join('\n')), prepare, refused, whole: true }
  }
  if ('aliases' in input) {
    const rows = Array.from({ length: input.aliases }, (_, index) => {
      const before = index === 0 ? 'x' : `*a${index - 1}`
      return `a${index}: &a${index} [${Array.from({ length: 9 }, () => before).join(', ')}]`
    })
    return { content: bytes(rows.join('\n')), refused: true }
  }
  if ('materials' in input) return { content: bytes(many(input.materials)), refused: false }
  return caseOfText(input, bytes)
}

function many(count: number): string {
  const rows = Array.from(
    { length: count },
    (_, index) =>
      `  m${index}: {kind: token, rotate: {every: 9d}, verify: none, targets: [{file: {path: /e/${index}}}]}`,
  )
  return `materials:\n${rows.join('\n')}\n`
}

function caseOfText(
  { lines, faults: all, change, ends, mark, now }: Text,
  bytes: (text: string) => Buffer,
): Case {
  let changedLines = lines
  let refused: boolean | undefined = false
  let line: number | undefined
  for (const fault of all) {
    const result = faulty(changedLines, fault)
    changedLines = result.lines
    // A second fault may make the first one invisible.
    refused = all.length === 1 ? result.refused : undefined
    line = all.length === 1 ? result.line : undefined
  }
  const text = bytes(`${mark ? '\ufeff' : ''}${changedLines.join(ends)}${ends}`)
  return change ? { content: changed(text, change), now } : { content: text, now, refused, line }
}

/** Every line says where, within the file, and neither moves the cursor nor runs on. */
function judgeRefusal({ message, kind }: OperatorError, path: string, one: Case): void {
  assert.equal(kind, 'config')
  assert.doesNotMatch(message, /(?!\n)\p{Cc}/u, 'a control character in the message')
  const rows = one.content.toString('utf8').split('\n')
  const problems = message.split('\n').filter((text) => !/^and \d+ more$/.test(text))
  if (one.whole && problems.length === 1 && message.startsWith(`${path}: `)) return
  const found = problems.map((text) => {
    const [, line, column] = text.startsWith(path)
      ? (/^:(\d+):(\d+): \S/.exec(text.slice(path.length)) ?? [])
      : []
    const row = rows[Number(line) - 1]
    assert.ok(row !== undefined && Number(column) >= 1, `says not where: ${text}`)
    assert.ok(Number(column) <= row.length + 1, `beyond the end of the line: ${text}`)
    return Number(line)
  })
  if (one.line !== undefined)
    assert.ok(found.includes(one.line), `not line ${one.line}: ${message}`)
}

function judgeConfig(config: Config): void {
  const spans = [
    ...config.windows.map(({ duration }) => duration),
    ...config.consumers.flatMap(({ dwell, timeouts }) => [dwell, ...Object.values(timeouts)]),
    ...config.materials.map(({ keep }) => keep),
  ]
  for (const span of spans) assert.ok(Number.isSafeInteger(span) && span > 0, `a span of ${span}`)
  for (const { overlap, keep } of config.materials) assert.ok(overlap <= keep)
}
