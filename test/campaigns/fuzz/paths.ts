import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as fc from 'fast-check'
import { sqlcipher } from '../../../src/targets/sqlcipher.ts'
import type { Target, TargetContext } from '../../../src/targets/target.ts'
import { targetContext } from '../../support/file-place.ts'
import { easyValue } from './arbitraries.ts'
import type { FuzzClass } from './fuzz-class.ts'
import { lookAtDatabase } from './paths/databases.ts'
import type { Ground, Laid } from './paths/ground.ts'
import { OddPlaces } from './paths/odd-places.ts'
import { type Race, raceFor, races, startSwapping } from './paths/race.ts'
import { situations } from './paths/situations.ts'
import { type Type, types } from './paths/types.ts'
import { Visit } from './paths/visit.ts'
import type { Trial } from './trial.ts'

/** Folders that no case may change. */
const unchanging = ['immutable', 'bound', 'read-only']

/** A row of a database is left out: each look is a process, and the same check comes first. */
const databases = { sqlcipher } as const

interface Input {
  readonly type: Type | keyof typeof databases
  readonly situation: string
  readonly depth: number
  readonly name: string
  readonly values: readonly [string, string]
  /** What is swapped meanwhile, instead of a situation. */
  readonly race: Race | undefined
}

const inputs: fc.Arbitrary<Input> = fc.record({
  type: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Type>('file', 'file_set') },
    { weight: 4, arbitrary: fc.constantFrom<Type>('env', 'toml', 'yaml', 'json') },
    { weight: 1, arbitrary: fc.constant('sqlcipher' as const) },
  ),
  situation: fc.constantFrom(...Object.keys(situations)),
  depth: fc.nat(2),
  name: fc.constantFrom('it', 'key.pem', '.env'),
  values: fc.tuple(easyValue, easyValue),
  race: fc.oneof(
    { weight: 15, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...races) },
  ),
})

/** What stands at a target's path, or on the way there. */
export const paths: FuzzClass<Input, void> = {
  name: 'paths',
  share: 8,
  inputs,
  async open(folder) {
    const places = join(folder, 'places')
    mkdirSync(places, { mode: 0o700 })
    const contents: Contents = {
      sqlcipher: randomBytes(2 * 4_096),
      ...(Object.fromEntries(
        Object.entries(types).map(([type, { content }]) => [type, Buffer.from(content)]),
      ) as Record<Type, Buffer>),
    }
    const swapper = startSwapping()
    const odd = await OddPlaces.make(places, contents)
    return {
      attempt: async (input, trial) => {
        if (!input.race) return attempt(input, trial, odd, contents)
        const ground = groundOf({ ...input, type: 'file' }, trial, odd, contents)
        await raceFor(input.race, trial, ground, swapper)
      },
      missing: odd.missing,
      async close() {
        await swapper.terminate()
        await odd.dispose()
      },
    }
  },
}

type Contents = Readonly<Record<Input['type'], Buffer>>

async function attempt(
  input: Input,
  trial: Trial,
  odd: OddPlaces,
  contents: Contents,
): Promise<void> {
  const ground = groundOf(input, trial, odd, contents)
  const context: TargetContext = { ...targetContext, stateDir: join(ground.inside, 'state') }
  try {
    const laid = situations[input.situation]?.(ground)
    assert.ok(laid)
    const target = targetOf(input.type, laid, trial, context)
    if (!target) return
    const folders = [trial.folder, ...unchanging.map((name) => join(odd.folder, name))]
    if (ground.abroad !== undefined) folders.push(ground.abroad)
    if (isDatabase(input.type)) await lookAtDatabase(trial, target, laid, folders)
    else await new Visit({ ...input, type: input.type }, trial, laid, target, folders).lead()
  } finally {
    if (ground.abroad !== undefined) rmSync(ground.abroad, { recursive: true, force: true })
  }
}

/** Undefined where the config refuses the path. */
function targetOf(
  type: Input['type'],
  { path, verdict }: Laid,
  trial: Trial,
  context: TargetContext,
): Target | undefined {
  const { of, options } = isDatabase(type) ? { of: databases[type], options: {} } : types[type]
  const { data, error } = of.schema.safeParse({ path, ...options })
  if (data) return of.create(data as never, context)
  trial.hear(JSON.stringify(error?.issues))
  assert.notEqual(verdict, 'accepted', error?.message)
  return undefined
}

function isDatabase(type: Input['type']): type is keyof typeof databases {
  return type in databases
}

function groundOf(
  { type, depth, name }: Input,
  trial: Trial,
  odd: OddPlaces,
  contents: Contents,
): Ground {
  const inside = join(trial.folder, 'inside')
  const outside = join(trial.folder, 'outside')
  const abroad = odd.present.has('tmpfs')
    ? join(odd.folder, 'tmpfs', basename(trial.folder))
    : undefined
  for (const folder of [
    inside,
    join(outside, 'folder'),
    ...(abroad === undefined ? [] : [abroad]),
  ]) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o755)
  }
  writeFileSync(join(outside, 'file'), "somebody's")
  writeFileSync(join(outside, 'folder', 'file'), "somebody's")
  const content = contents[type]
  return { isSet: type === 'file_set', type, inside, outside, abroad, odd, name, depth, content }
}
