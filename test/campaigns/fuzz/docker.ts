import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { docker } from '../../../src/consumers/docker/docker.ts'
import { type Asked, askOutside } from './asked.ts'
import { HostileEngine } from './docker-engine.ts'
import { type ListName, lists, type Way, ways } from './docker-replies.ts'
import type { FuzzClass } from './fuzz-class.ts'
import type { Trial } from './trial.ts'

const verbs = ['check', 'stop', 'start', 'restart', 'signal'] as const

interface Input {
  readonly verb: (typeof verbs)[number]
  /** By the labels of a compose service rather than by name. */
  readonly composed: boolean
  readonly list: ListName
  readonly stopped: string
  readonly odd: { readonly at: number; readonly choice: number }
  readonly sent: { readonly at: number; readonly way: Way }
  /** What Compose exits with. */
  readonly compose: number
}

/** Answers beyond the last one that is asked for: none is sent. */
const never = 99
/** Half of the cases have one. */
const at = fc.oneof(fc.constant(never), fc.nat(5))
const keys = <Key extends string>(table: Readonly<Record<Key, unknown>>) =>
  fc.constantFrom(...(Object.keys(table) as Key[]))

/** Replies of what is said to be a Docker engine. */
export const dockerReplies: FuzzClass<Input, void> = {
  name: 'docker',
  share: 3,
  abreast: 4,
  patience: 20_000,
  inputs: fc.record({
    verb: fc.constantFrom(...verbs),
    composed: fc.nat(2).map((number) => number === 0),
    list: fc.oneof(fc.constant<ListName>('ours alone'), keys(lists)),
    stopped: fc.constantFrom(
      'exited',
      'exited',
      'created',
      'running',
      'restarting',
      'paused',
      'Exited',
      '',
    ),
    odd: fc.record({ at, choice: fc.nat(100) }),
    sent: fc.record({ at, way: keys(ways) }),
    compose: fc.constantFrom(0, 0, 0, 1, 137),
  }),
  async open() {
    return { attempt }
  },
}

async function attempt(input: Input, trial: Trial): Promise<void> {
  const { verb, composed, sent } = input
  const engine = new HostileEngine(trial, input)
  const socket = join(trial.folder, 'docker.sock')
  await engine.listen(socket)
  const named = composed ? { compose: service(trial, input.compose) } : { container: 'chat' }
  const consumer = docker.create(docker.schema.parse({ ...named, socket }))
  const { ending } = ways[sent.way]({ status: 200, body: '{}' })
  const isSure = sent.at === never || ending !== 'hang'
  try {
    const asked = await askOutside(trial, isSure, (signal) =>
      verb === 'check' || verb === 'stop' || verb === 'start'
        ? consumer[verb](signal)
        : consumer.apply(verb, signal),
    )
    // A machine that is busy with all else takes longer than the ten seconds of a question.
    const isBusy = asked.how === 'refused' && asked.message.endsWith('in time')
    judge(input, engine, asked.how, isSure && !isBusy)
  } finally {
    await engine.close()
  }
}

function judge(
  input: Input,
  engine: HostileEngine,
  how: Asked<void>['how'],
  isSure: boolean,
): void {
  const { verb, composed, list, stopped, compose } = input
  const mine: readonly string[] = composed ? lists[list].byLabel : lists[list].byName
  const action = verb === 'signal' ? 'kill' : verb
  for (const act of engine.acts) {
    const isAllowed = mine.some((id) => act === `${id}/${action}`)
    assert.ok(isAllowed, `acts on another container: ${act}`)
  }
  const usesEngine = !(composed && verb === 'start')
  const usesCompose = composed && (verb === 'check' || verb === 'start')
  const isDone =
    (!usesEngine || mine.length > 0) &&
    (!usesCompose || compose === 0) &&
    (verb !== 'stop' || stopped === 'exited' || stopped === 'created')
  const mayBeDone = isDone && engine.isUnderstood !== false
  if (how === 'answered') {
    assert.ok(mayBeDone, `takes it for done: ${verb} with ${list}`)
    if (usesEngine && verb !== 'check') assert.equal(engine.acts.length, mine.length)
  }
  const mustBeDone = isSure && isDone && engine.isUnderstood === true
  if (mustBeDone) assert.equal(how, 'answered', 'what is well is refused')
}

/** A service of a project, with a Compose that says what it should not. */
function service(trial: Trial, exit: number) {
  const program = join(trial.folder, 'compose')
  const text = `#!/bin/sh\necho 'TOKEN=${trial.canary}'; echo '${trial.canary}' >&2; exit ${exit}\n`
  writeFileSync(program, text)
  chmodSync(program, 0o755)
  return { project_dir: trial.folder, service: 'chat', project: 'site', command: [program] }
}
