import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { command as consumer } from '../../../src/consumers/command.ts'
import { command as kind } from '../../../src/materials/command.ts'
import { consumerMade } from '../../../src/materials/consumer-made.ts'
import type { MadeByConsumer, MadeHere } from '../../../src/materials/kind.ts'
import { command as target } from '../../../src/targets/command.ts'
import { command as verifier } from '../../../src/verifiers/command.ts'
import { noContext } from '../../contracts/verifier.ts'
import { targetContext } from '../../support/file-place.ts'
import { kindContext } from '../../support/kind-context.ts'
import { testEdition } from '../../support/test-edition.ts'
import { type Asked, askOutside, refuseUnprintable } from './asked.ts'
import { type FuzzClass, placeholder } from './fuzz-class.ts'
import { groupOf, isGone, members } from './process-group.ts'
import type { Trial } from './trial.ts'

/** What a program does, and what stdout has of it. */
const steps: Readonly<Record<string, readonly [script: string, printed: string]>> = {
  'a line': ["printf 'yes\\n'", 'yes\n'],
  'no line end': ['printf ok', 'ok'],
  escapes: ["printf '\\033[2J\\033]0;x\\007red\\r\\n'", '\x1b[2J\x1b]0;x\x07red\r\n'],
  'NUL and bytes': ["printf '\\000\\377\\376\\200'", '\0\xff\xfe\x80'],
  'the secret': [`printf ${placeholder}`, placeholder],
  'the secret on stderr': [`echo ${placeholder} >&2`, ''],
  'an error': ["echo 'fatal: it does not work' >&2", ''],
  'a flood': ['head -c 3000000 /dev/zero', '\0'.repeat(3_000_000)],
  'a flood on stderr': ['head -c 3000000 /dev/zero >&2', ''],
  'reads stdin': ['cat', ''],
  'closes its descriptors': ['exec 3<&- 4<&-', ''],
  'leaves a fork with the pipe': ['sleep 60 &', ''],
  'ignores SIGTERM': ["trap '' TERM", ''],
  'makes the secret huge': ['truncate -s 1G /dev/fd/3 2>/dev/null', ''],
  'cuts the secret': ['(true >/dev/fd/3) 2>/dev/null', ''],
  'a version': made(`"${placeholder}"`, '{}'),
  'a version in hex': made(`"${hex(placeholder)}","encoding":"hex"`, '{}'),
  'a version that it shows': made(
    `"${hex(placeholder)}","encoding":"hex"`,
    `{"a":"${placeholder}"}`,
  ),
  'a version for a terminal': made('"x"', '{"a":"\\u001b[2J"}'),
  'half a character': made('"\\ud800"', '{}'),
  'keys of a prototype': ['printf \'{"__proto__":{"parts":1}}\'', '{"__proto__":{"parts":1}}'],
}

function made(value: string, attributes: string): readonly [string, string] {
  const text = `{"parts":{"secret":{"value":${value}}},"attributes":${attributes}}`
  return [`printf '%s' '${text}'`, text]
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex')
}

/** How it ends, and the exit status; none where a signal or nobody ends it. */
const ends: Readonly<Record<string, readonly [script: string, exit?: number]>> = {
  yes: ['exit 0', 0],
  no: ['exit 1', 1],
  'cannot tell': ['exit 75', 75],
  fails: ['exit 3', 3],
  'a signal of its own': ['kill -KILL $$'],
  waits: ['exec sleep 60'],
  'prints without end': ['exec cat /dev/zero'],
  'ends well when it is told to': ["trap 'exit 0' TERM; while :; do sleep 0.05; done"],
}
const endless = new Set(['waits', 'prints without end', 'ends well when it is told to'])

const uses = [
  'accepts',
  'refuses',
  'ready',
  'apply',
  'generate',
  'observe',
  'read',
  'inspect',
  'write',
] as const

interface Input {
  readonly use: (typeof uses)[number]
  readonly steps: readonly string[]
  readonly end: string
}

/** Programs of the operator's that go wrong. */
export const programs: FuzzClass<Input, void> = {
  name: 'programs',
  share: 2,
  abreast: 4,
  patience: 20_000,
  inputs: fc.record({
    use: fc.constantFrom(...uses),
    steps: fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 4 }),
    end: fc.oneof(fc.constant('yes'), fc.constantFrom(...Object.keys(ends))),
  }),
  async open() {
    return { attempt }
  },
}

async function attempt(input: Input, trial: Trial): Promise<void> {
  const program = join(trial.folder, 'program')
  const [end = '', exit] = ends[input.end] ?? []
  const lines = input.steps.map((name) => steps[name]?.[0] ?? '')
  const script = ['#!/bin/sh', 'echo $$ >"$0.pid"', ...lines, end].join('\n')
  writeFileSync(program, trial.plant(script).replaceAll(hex(placeholder), hex(trial.canary)), {
    mode: 0o755,
  })
  const endsItself = !endless.has(input.end)
  const asked = await askOutside(trial, endsItself || hasLimit(input.use), (signal) =>
    use(input.use, program, endsItself, trial, signal),
  )
  try {
    judge(input, asked, exit, trial)
    if (!endsItself) assert.ok(await isGone(program), 'leaves a process behind')
  } finally {
    const group = groupOf(program)
    if (group !== undefined && members(group).length > 0) process.kill(-group, 'SIGKILL')
  }
}

/** Whether it is ended by a limit of its own rather than by who asks. */
function hasLimit(name: Input['use']): boolean {
  return !['apply', 'observe'].includes(name)
}

/** @returns what people may see of it, or what was read */
async function use(
  name: Input['use'],
  program: string,
  isSure: boolean,
  trial: Trial,
  signal: AbortSignal,
): Promise<unknown> {
  const edition = testEdition(1, Buffer.from(trial.canary))
  const timeout = isSure ? 20_000 : 300
  const run = [program]
  const verify = verifier.create({ run, refuses: run, timeout }, noContext)
  const place = target.create(
    { write: run, read: run, offline: false, version: 'active', timeout },
    targetContext,
  )
  switch (name) {
    case 'accepts':
      return (await verify.accepts(edition, signal)).yes
    case 'refuses':
      return (await verify.refuses?.(edition, signal))?.yes
    case 'ready':
      return (await verify.ready(signal)).yes
    case 'apply':
      return consumer.create({ restart: run }).apply('restart', signal)
    case 'generate': {
      const options = {
        command: { generate: run, timeout: isSure ? '20s' : '1s' },
        parts: { secret: {} },
      }
      const maker = kind.create(kind.schema.parse(options), kindContext) as MadeHere
      return maker.generate({ material: 'it', now: Date.now() }, signal)
    }
    case 'observe': {
      const options = consumerMade.schema.parse({ observe: { command: run } })
      return (consumerMade.create(options, kindContext) as MadeByConsumer).observe(signal)
    }
    case 'read':
      return (await place.read?.(signal))?.bytes.toString('latin1')
    case 'inspect': {
      const { holds } = await target
        .create(
          { write: run, inspect: run, offline: false, version: 'active', timeout },
          targetContext,
        )
        .inspect([edition], signal)
      return holds
    }
    case 'write': {
      const blind = target.create(
        { write: run, offline: false, version: 'active', timeout },
        targetContext,
      )
      const move = { rotation: 'r1', edition }
      return blind.activate(move, await blind.stage(move, signal), signal)
    }
  }
}

function judge(input: Input, asked: Asked<unknown>, exit: number | undefined, trial: Trial): void {
  const saidNo = exit === 1
  const printed = trial.plant(input.steps.map((step) => steps[step]?.[1] ?? '').join(''))
  const keepsPipe = input.steps.includes('leaves a fork with the pipe')
  const what = asked.how === 'answered' ? asked.value : asked.how
  switch (input.use) {
    case 'accepts':
    case 'refuses':
    case 'ready':
      return assert.equal(what, exit === 0 ? true : saidNo ? false : 'refused')
    case 'inspect':
      return assert.equal(what, exit === 0 ? 'version' : saidNo ? 'something else' : 'unknown')
    case 'apply':
      return assert.equal(
        asked.how,
        exit === 0 ? 'answered' : endless.has(input.end) ? 'late' : 'refused',
      )
    case 'write':
      return assert.equal(asked.how, exit === 0 ? 'answered' : 'refused')
    case 'read': {
      if (saidNo) return assert.equal(what, undefined)
      const isWhole = exit === 0 && !keepsPipe && printed.length <= 1024 * 1024
      return assert.equal(what, isWhole ? printed : 'refused')
    }
    case 'generate': {
      trial.hear(
        (asked.how === 'answered' && (asked.value as { attributes: unknown }).attributes) || '',
      )
      if (asked.how !== 'answered') return
      assert.ok(exit === 0 && !keepsPipe && /^\{[^]*\}$/.test(printed), 'a version of nothing')
      return refuseUnprintable(
        Object.values((asked.value as { attributes: object }).attributes).join(),
      )
    }
    case 'observe': {
      if (asked.how !== 'answered') return
      if (saidNo) return assert.equal(what, undefined)
      assert.ok(exit === 0 && !keepsPipe, 'a value of nothing')
      return refuseUnprintable((what as { value: string }).value)
    }
  }
}
