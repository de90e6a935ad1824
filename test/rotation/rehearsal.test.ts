import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { rehearse } from '../../src/rotation/rehearsal.ts'
import type { RehearsedStep } from '../../src/rotation/trail.ts'
import type { Move } from '../../src/targets/target.ts'
import { MemoryTarget, memoryKind, memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const eve = { who: 'cli:eve' }
/** What would change something that is in use. */
const live = /^(activate|withdraw|stop|start|restart|journal|keys) /

describe('a rehearsal', () => {
  let scratch: ScratchEngine
  beforeEach(() => {
    scratch = new ScratchEngine()
  })
  afterEach(() => scratch.dispose())

  /** A material with its first version in place. */
  async function open(overrides: Partial<ManagedMaterial<MadeHere>> = {}) {
    const material = memoryMaterial(scratch.world, 'key', overrides)
    const engine = await scratch.create([material])
    await engine.start()
    return { material, engine }
  }

  /** Its steps; nothing in use may be touched, and no version may come of it. */
  async function rehearsed(engine: ScratchEngine['engine']): Promise<readonly RehearsedStep[]> {
    const { world, store } = scratch
    const [places, versions] = [new Map(world.places), store.keys.list('key')]
    world.log.length = 0
    const steps = await engine.undisturbed('key', rehearse)
    assert.deepEqual(
      world.log.filter((effect) => live.test(effect)),
      [],
    )
    assert.deepEqual(world.places, places)
    assert.deepEqual(store.keys.list('key'), versions)
    return steps
  }

  const outline = (steps: readonly RehearsedStep[]) =>
    steps.map(({ name, subject = '', outcome }) => `${name} ${subject} ${outcome}`)

  it('tries everything up to the switch, and lists what it left out', async () => {
    const { engine, material } = await open()
    assert.deepEqual(outline(await rehearsed(engine)), [
      'plan  done',
      'check /key done',
      'check key-server done',
      'verify memory /key done',
      'generate  done',
      'pair  done',
      'stage /key done',
      'activate /key not_exercised',
      'resume key-server not_exercised',
      'verify memory /key not_exercised',
    ])
    assert.equal((material.targets[0] as MemoryTarget).leftovers, 0)
    const rotation = await engine.rotate({
      materials: ['key'],
      trigger: 'manual',
      actor: eve,
      wait: false,
    }).done
    assert.deepEqual(rotation.changes, [{ material: 'key', from: 1, to: 2 }])
  })

  it('says what fails, goes on with the rest, and prepares nothing where a check failed', async () => {
    const { engine } = await open()
    scratch.world.before = (effect) => {
      if (effect === 'check /key') throw new Error('the folder is read-only')
    }
    const steps = await rehearsed(engine)
    const failed = steps.filter(({ outcome }) => outcome === 'failed')
    assert.deepEqual(
      failed.map(({ name, detail }) => [name, detail]),
      [['check', 'the folder is read-only']],
    )
    const staged = steps.find(({ name }) => name === 'stage')
    assert.deepEqual([staged?.outcome, staged?.detail], ['not_exercised', 'its check failed'])
    assert.ok(outline(steps).includes('generate  done'))
  })

  it('takes away what it prepared although preparing failed halfway', async () => {
    const targets = ['/key', '/copy'].map((path) => new MemoryTarget(scratch.world, path))
    const { engine } = await open({ targets })
    scratch.world.before = (effect) => {
      if (effect === 'stage /copy') throw new Error('no space left')
    }
    const steps = await rehearsed(engine)
    assert.ok(outline(steps).includes('stage /key done'))
    assert.ok(outline(steps).includes('stage /copy failed'))
    assert.deepEqual(
      targets.map(({ leftovers }) => leftovers),
      [0, 0],
    )
  })

  it('refuses what a rotation would refuse: a value that nobody knows', async () => {
    const { engine } = await open()
    scratch.world.places.set('/key', 'edited')
    const [plan] = await rehearsed(engine)
    assert.deepEqual([plan?.name, plan?.outcome], ['plan', 'failed'])
    assert.match(plan?.detail ?? '', /holds a key that rekeyd does not know/)
    assert.match(plan?.hint ?? '', /rekeyd adopt key/)
  })

  it('makes nothing that is scarce, and prepares the present version in its place', async () => {
    let made = 0
    const kind: MadeHere = {
      ...memoryKind,
      async generate(request, signal) {
        made += 1
        return memoryKind.generate(request, signal)
      },
    }
    const { engine } = await open({ kind: { ...kind, scarce: 'a CA elsewhere makes it' } })
    assert.equal(made, 1)
    const steps = await rehearsed(engine)
    assert.equal(made, 1)
    const generate = steps.find(({ name }) => name === 'generate')
    assert.deepEqual(
      [generate?.outcome, generate?.detail],
      ['not_exercised', 'not tried, because a CA elsewhere makes it'],
    )
    assert.ok(outline(steps).includes('stage /key done'))
  })

  it('notices a version that does not read back as what was made', async () => {
    const kind: MadeHere = {
      ...memoryKind,
      render: async () => SecretBytes.fromText('always this'),
    }
    const { engine } = await open({ kind, verifiers: [] })
    const pair = (await rehearsed(engine)).find(({ name }) => name === 'pair')
    assert.equal(pair?.outcome, 'failed')
    assert.match(pair?.detail ?? '', /reads back as something else/)
  })

  it('gives way at once when the version in use has leaked', async () => {
    const staging = Promise.withResolvers<void>()
    const target = Object.assign(new MemoryTarget(scratch.world, '/key'), {
      async rehearse(_: Move, signal: AbortSignal) {
        staging.resolve()
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
        })
      },
    })
    const { engine } = await open({ targets: [target] })
    const running = engine.undisturbed('key', rehearse)
    await staging.promise
    const replaced = engine.compromise('key', undefined, eve).done
    await assert.rejects(running, /marked as compromised: the rehearsal gives way/)
    assert.equal((await replaced).result, 'succeeded')
  })

  it('is not begun during a rotation, nor a rotation during it', async () => {
    const { engine } = await open()
    const held = Promise.withResolvers<void>()
    const holding = engine.undisturbed('key', () => held.promise)
    await assert.rejects(engine.undisturbed('key', rehearse), { kind: 'busy' })
    const rotation = engine.rotate({
      materials: ['key'],
      trigger: 'manual',
      actor: eve,
      wait: false,
    })
    await assert.rejects(rotation.done, { kind: 'busy' })
    held.resolve()
    await holding
  })
})
