import * as fc from 'fast-check'
import { placeholder } from './fuzz-class.ts'

const written = ['verify: none', 'consumers: [server]', 'targets:']

/** Lines of a material, `#` for its number. */
const materials: Readonly<Record<string, readonly string[]>> = {
  token: [
    'kind: token',
    'bytes: 32',
    'rotate:',
    '  every: 90d',
    '  first: 2027-01-15',
    ...written,
    '  - env:',
    '      path: @/t/env#',
    '      key: TOKEN',
    '      dialect: systemd',
    '  - toml:',
    '      path: @/t/toml#',
    '      pointer: /auth/token',
  ],
  vapid: [
    'kind: vapid',
    'rotate: on_compromise',
    'overlap: 3d',
    'keep: 9d',
    ...written,
    '  - file:',
    '      path: @/t/file#',
    '      part: private_key',
    '      mode: "0640"',
    '      version: previous',
  ],
  tls: [
    'kind: tls',
    'issuer: self_signed',
    'names: [a.example.com, 127.0.0.1]',
    'lifetime: 90d',
    'rotate:',
    '  before_expiry: 20d',
    ...written,
    '  - file_set:',
    '      path: @/t/link#',
    '      files:',
    '        cert.pem:',
    '          part: fullchain',
    'impact: somebody notices',
  ],
  database: [
    'kind: database-key',
    'form: raw',
    'keep: 400d',
    'rotate:',
    '  cron:',
    '    at: "0 3 1 * *"',
    '    timezone: Europe/Berlin',
    ...written,
    '  - yaml:',
    '      path: @/t/yaml#',
    '      pointer: /db/key',
    '      format: hex',
  ],
}

/**
 * A config without a fault, one key a line, so that it is known on which line a fault is put. `@` stands for the
 * folder of the case.
 */
export const soundConfigs: fc.Arbitrary<readonly string[]> = fc
  .record({
    mode: fc.constantFrom('rotate', 'observe', 'approve'),
    window: fc.record({
      hour: fc.nat(23),
      minute: fc.nat(59),
      duration: fc.constantFrom('1h', '90m', '2d'),
      zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC'),
    }),
    windows: fc.nat(5).map((number) => (number === 1 ? 1 : 0)),
    materials: fc.array(fc.constantFrom(...Object.keys(materials)), { minLength: 1, maxLength: 3 }),
    comment: fc.constantFrom('# a comment', `# ${placeholder}`, ''),
  })
  .map(({ mode, window, windows, materials: kinds, comment }) => [
    comment,
    `mode: ${mode}`,
    'state_dir: @/state',
    'store_key:',
    '  file: @/store.key',
    'admin:',
    '  socket:',
    '    path: @/admin.sock',
    '    mode: "0600"',
    'metrics:',
    '  listen: 127.0.0.1:9470',
    'defaults:',
    '  keep: 40d',
    ...(windows === 0
      ? []
      : [
          'windows:',
          '  night:',
          `    cron: "${window.minute} ${window.hour} * * *"`,
          `    duration: ${window.duration}`,
          `    timezone: ${window.zone}`,
        ]),
    'consumers:',
    '  server:',
    '    command:',
    '      restart: [/bin/true]',
    '      stop: [/bin/true]',
    '      start: [/bin/true]',
    '    dwell: 5s',
    '    max_restarts: 2',
    'materials:',
    ...kinds.flatMap((kind, index) => [
      `  m${index}:`,
      ...(materials[kind] ?? []).map((line) => `    ${line.replaceAll('#', String(index))}`),
      ...(windows === 0 ? [] : ['    window: night']),
    ]),
  ])

/** What is done to a sound config. */
export interface Fault {
  readonly kind: keyof typeof kinds
  /** Which of the lines, as a share of them. */
  readonly at: number
  readonly text: string
}

/** A config with a fault in it. */
export interface Faulty {
  readonly lines: readonly string[]
  /** Whether it must be refused; where it is not certain, undefined. */
  readonly refused?: boolean
  /** The line, from 1, that the refusal must name. */
  readonly line?: number
}

const names = [
  '__proto__',
  'constructor',
  'tostring',
  'hasOwnProperty',
  '<<',
  '"a b"',
  `x${'y'.repeat(70)}`,
]
const values = [
  '',
  '~',
  '12',
  '-1',
  '0',
  '1e300',
  '.inf',
  '.nan',
  'true',
  '[]',
  '{}',
  '[[], {}]',
  '{a: 1}',
  '0644',
  '0o644',
  placeholder,
  `"${placeholder}"`,
  `{ password: ${placeholder} }`,
  `[${placeholder}]`,
  `{ file: ${placeholder} }`,
  `https://user:${placeholder}@example.com/`,
  `/etc/${placeholder}/../x`,
  '!!binary aGk=',
  '!tag x',
  '&anchor x',
  '*nowhere',
  '"\\u001b[2J"',
  '|\n      block',
  'x'.repeat(3_000),
  '@/state/store.db',
  '@/store.key',
  '@/rekeyd.yaml',
  '@/t/env0',
  '@/t/env0/below',
  '@/t/../t/x',
  '@//t',
  '/etc/passwd',
  '/proc/self/mem',
  'relative/path',
  '"nul\\0byte"',
  '/',
]
const durations = [
  '0s',
  '-1d',
  '1.5h',
  '1e300',
  '9999999999d',
  '1 d',
  '"1d "',
  '٣d',
  '1D',
  '1',
  '1dd',
  "''",
  'd',
]
const crons = [
  '* * * *',
  '60 * * * *',
  '0 0 31 2 *',
  '0 0 * * * *',
  'L',
  '@yearly',
  '*/0 * * * *',
  '0-99 * * * *',
  '"1,2,3,"',
  '? ? ? ? ?',
  '0 3 * * MON#9',
]
const zones = [
  'Mars/Olympus',
  'utc ',
  '+25:00',
  'EST5EDT',
  'Etc/GMT+12',
  'Europe/Berlin\\0',
  '../../etc/passwd',
  `"${placeholder}"`,
]

const isRow = (line: string) => /^ *(- )?[\w-]+:/.test(line)
const isScalarRow = (line: string) => /^ *[\w-]+: \S/.test(line)

/** Each puts one fault at the line that `at` points to among those that fit. */
const kinds = {
  'unknown key': insertAt((indent, text) => `${indent}zz${text}: ${placeholder}`),
  'odd key': insertAt((indent, text) => `${indent}${text}: 1`),
  'doubled key': {
    fits: isScalarRow,
    change: (line: string) => ({ lines: [line, line], fault: 1, refused: true }),
  },
  'other value': replaceValue(isRow, undefined),
  duration: replaceValue(
    (line) => /(every|keep|overlap|dwell|duration|lifetime): \d/.test(line),
    true,
  ),
  cron: replaceValue((line) => /^ +(cron|at): "/.test(line), undefined),
  zone: replaceValue((line) => /timezone: /.test(line), undefined),
  'line gone': {
    fits: isRow,
    change: () => ({ lines: [], fault: 0, refused: undefined }),
  },
  'odd indentation': {
    fits: isRow,
    change: (line: string) => ({ lines: [` ${line}`], fault: 0, refused: undefined }),
  },
  tab: {
    fits: (line: string) => line.startsWith(' '),
    change: (line: string) => ({ lines: [line.replace(' ', '\t')], fault: 0, refused: true }),
  },
} satisfies Record<string, FaultKind>

interface FaultKind {
  readonly fits: (line: string) => boolean
  /** @returns what stands in its place, and which of that is the fault */
  readonly change: (
    line: string,
    text: string,
  ) => {
    readonly lines: readonly string[]
    readonly fault: number
    readonly refused: boolean | undefined
  }
}

function insertAt(row: (indent: string, text: string) => string): FaultKind {
  return {
    fits: (line) => /^ *[\w-]+:/.test(line),
    change: (line, text) => ({
      lines: [row(/^ */.exec(line)?.[0] ?? '', text), line],
      fault: 0,
      refused: true,
    }),
  }
}

function replaceValue(fits: (line: string) => boolean, refused: boolean | undefined): FaultKind {
  return {
    fits,
    change: (line, text) => ({ lines: [line.replace(/:.*/s, `: ${text}`)], fault: 0, refused }),
  }
}

const texts: Partial<Record<keyof typeof kinds, readonly string[]>> = {
  'odd key': names,
  'other value': values,
  duration: durations,
  cron: crons.map((text) => (text.startsWith('"') ? text : `"${text}"`)),
  zone: zones,
}

export const faults: fc.Arbitrary<Fault> = fc
  .constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[]))
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      text: fc.constantFrom(...(texts[kind] ?? ['', 'q', '9'])),
    }),
  )

/** Puts the fault in. */
export function faulty(lines: readonly string[], { kind, at, text }: Fault): Faulty {
  const { fits, change }: FaultKind = kinds[kind]
  const fitting = lines.flatMap((line, index) => (fits(line) ? [index] : []))
  const index = fitting[Math.floor(at * fitting.length)]
  if (index === undefined) return { lines, refused: false }
  const { lines: changed, fault, refused } = change(lines[index] ?? '', text)
  return {
    lines: [...lines.slice(0, index), ...changed, ...lines.slice(index + 1)],
    ...(refused !== undefined && { refused }),
    ...(refused && { line: index + 1 + fault }),
  }
}
