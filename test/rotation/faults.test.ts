import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { attempt } from '../../src/rotation/attempt.ts'
import * as drafts from '../../src/rotation/drafts.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { recover } from '../../src/rotation/recovery.ts'
import { Parked } from '../../src/rotation/walk.ts'
import {
  beside,
  MemoryConsumer,
  MemoryTarget,
  memoryKind,
  memoryMaterial,
} from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }
const manual = { trigger: 'manual' as const, actor, wait: false }

let scratch: ScratchEngine

beforeEach(() => {
  scratch = new ScratchEngine()
})
afterEach(() => scratch.dispose())

/** An engine whose one material `key` has its first version in place. */
async function started(overrides: Partial<ManagedMaterial<MadeHere>> = {}) {
  const material = memoryMaterial(scratch.world, 'key', overrides)
  const engine = await scratch.create([material])
  await engine.start()
  scratch.world.log.length = 0
  return { engine, material, first: scratch.world.places.get('/key') }
}

const offline = () => ({ targets: [new MemoryTarget(scratch.world, '/key', { offline: true })] })
const rotate = (...materials: string[]) => scratch.engine.rotate({ materials, ...manual }).done
const live = () => scratch.world.places.get('/key')

/** Makes each effect that matches fail, as often as `times` says. */
function fail(effect: RegExp, times = Infinity): void {
  let failed = 0
  scratch.world.before = (next) => {
    if (effect.test(next) && (failed += 1) <= times) throw new Error(`${next} failed`)
  }
}

/** A rotation of `key` that is asked to park before this effect, which may fail then. */
async function parkedAt(material: ManagedMaterial, effect: string, failing: boolean) {
  const park = new AbortController()
  scratch.world.before = (next) => {
    if (next !== effect) return
    park.abort(new Parked('stopping'))
    if (failing) throw new Error(`${effect} failed`)
  }
  const order = { ...manual, drafts: [await drafts.next(scratch.parts, material, 'manual')] }
  return attempt(scratch.parts, order, park.signal, () => {})
}

describe('a rotation that is asked to park', () => {
  it('gives the old version back first when a switch fails while the consumer is down', async () => {
    const { material, first } = await started(offline())
    await assert.rejects(parkedAt(material, 'activate /key', true), Parked)
    assert.equal(material.consumer.running, true)
    assert.equal(live(), first)
    const [open] = scratch.store.journal.unfinished()
    assert.equal(open?.rotation.direction, 'back')
    await (await scratch.restart([material])).start()
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'rolled_back')
    assert.match(rotation?.detail ?? '', /activate \/key failed/)
  })

  it('resumes the consumer before it parks, and is proved by the next start', async () => {
    const { material, first } = await started(offline())
    await assert.rejects(parkedAt(material, 'stop key-server', false), Parked)
    assert.equal(material.consumer.running, true)
    assert.notEqual(live(), first)
    await (await scratch.restart([material])).start()
    assert.equal(scratch.store.keys.active('key')?.number, 2)
  })

  it('parks before anything is stopped', async () => {
    const { material, first } = await started(offline())
    await assert.rejects(parkedAt(material, 'stage /key', false), Parked)
    assert.deepEqual(scratch.world.log, ['stage /key'])
    await (await scratch.restart([material])).start()
    assert.equal(live(), first)
    assert.equal(scratch.store.journal.history({ limit: 1 })[0]?.result, 'failed')
  })

  it('makes nothing at all when it was asked before', async () => {
    const { material } = await started()
    await assert.rejects(parkedAt(material, 'check key-server', false), Parked)
    assert.deepEqual(scratch.store.journal.unfinished(), [])
    assert.equal(scratch.store.keys.list('key').length, 1)
  })

  it('begins nothing new once the engine stops', async () => {
    const { engine } = await started()
    const running = rotate('key')
    const waiting = engine.rotate({ materials: ['key'], ...manual, wait: true }).done
    const refused = assert.rejects(waiting, Parked)
    await engine.stop(60_000)
    assert.equal((await running).result, 'succeeded')
    await refused
  })
})

describe('a journal that cannot be written', () => {
  it('leaves a rotation open whose end is written before the next one, without another version', async () => {
    const { material } = await started()
    fail(/journal finish/, 1)
    await assert.rejects(rotate('key'), /journal finish failed/)
    const second = live()
    assert.equal(material.consumer.serving.get('/key'), second)
    const rotation = await rotate('key')
    assert.equal(rotation.result, 'succeeded')
    assert.equal(live(), second)
    assert.equal(scratch.store.keys.active('key')?.number, 2)
    assert.equal(scratch.store.keys.list('key').length, 2)
  })

  it('does not keep a consumer down', async () => {
    const { material, first } = await started(offline())
    fail(/journal (started|ended|turn)/)
    const hurt = scratch.world.before
    scratch.world.before = (effect) => {
      if (scratch.world.log.includes('stop key-server')) hurt(effect)
    }
    assert.equal((await rotate('key')).result, 'failed')
    assert.equal(material.consumer.running, true)
    assert.equal(live(), first)
  })

  it('gives the old version back when recovery cannot count its tries', async () => {
    const { material, first } = await started(offline())
    await assert.rejects(parkedAt(material, 'stop key-server', false), Parked)
    const engine = await scratch.restart([material])
    fail(/journal again/)
    await engine.start()
    assert.equal(live(), first)
    assert.equal(material.consumer.running, true)
  })
})

describe('a failed rotation', () => {
  it('resumes every consumer although one does not come up', async () => {
    const { world } = scratch
    const consumers = ['one', 'two'].map((name) => new MemoryConsumer(world, name, ['/key']))
    await started({
      ...offline(),
      verifiers: [],
      consumers: consumers.map((consumer) => consumer.managed()),
    })
    fail(/start one/)
    const rotation = await rotate('key')
    assert.equal(rotation.result, 'needs_attention')
    assert.match(rotation.detail ?? '', /start one failed; giving the previous version back failed/)
    assert.deepEqual(
      consumers.map(({ running }) => running),
      [false, true],
    )
  })

  it('leaves nothing beside its places', async () => {
    const targets = ['/key', '/second'].map((path) => new MemoryTarget(scratch.world, path))
    await started({ targets })
    fail(/stage \/second/)
    assert.equal((await rotate('key')).result, 'failed')
    assert.deepEqual(
      targets.map(({ leftovers }) => leftovers),
      [0, 0],
    )
  })
})

describe('a recovery that fails', () => {
  it('holds up nobody else, and is taken up again by the next rotation', async () => {
    const { material } = await started()
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    const other = memoryMaterial(scratch.world, 'other')
    const engine = await scratch.restart([material, other])
    fail(/journal finish/, 1)
    await engine.start()
    assert.equal(scratch.store.keys.active('other')?.number, 1)
    assert.match(scratch.store.schedule.get('key').attention ?? '', /^unfinished: journal finish/)
    assert.equal((await rotate('key')).result, 'succeeded')
    assert.equal(scratch.store.keys.active('key')?.number, 2)
    assert.deepEqual(scratch.store.journal.unfinished(), [])
  })

  it('is over when a person adopts what is live', async () => {
    const { material } = await started()
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    const engine = await scratch.restart([material])
    fail(/journal finish/, 1)
    await engine.start()
    const adopted = await engine.adopt('key', actor)
    assert.equal(adopted.number, 2)
    assert.deepEqual(scratch.store.journal.unfinished(), [])
    assert.equal(scratch.store.schedule.get('key').attention, undefined)
  })

  it('starts whom a rotation had stopped although its material is configured no longer', async () => {
    const { material } = await started(offline())
    scratch.world.before = (effect) => {
      if (effect === 'activate /key') scratch.world.dead = true
    }
    rotate('key').catch(() => {})
    await rest()
    assert.equal(material.consumer.running, false)
    const { consumers } = material
    const other = memoryMaterial(scratch.world, 'other', { consumers, onMissing: 'refuse' })
    await (await scratch.restart([other])).start()
    assert.equal(material.consumer.running, true)
    const [closed] = scratch.store.journal.history({ material: 'key', limit: 1 })
    assert.equal(closed?.result, 'needs_attention')
    assert.match(closed?.detail ?? '', /no longer configured/)
    assert.equal(scratch.store.keys.get('key', 2)?.state, 'withdrawn')
  })

  it('touches nothing when the store was restored from a backup', async () => {
    const { material } = await started()
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    const second = live()
    const { log } = scratch.world
    log.length = 0
    await (await scratch.restart([material])).start({ restored: true })
    assert.equal(live(), second)
    assert.deepEqual(log, [])
    assert.deepEqual(scratch.store.journal.unfinished(), [])
    assert.equal(scratch.store.keys.get('key', 2)?.state, 'withdrawn')
    assert.match(scratch.store.schedule.get('key').attention ?? '', /restored from a backup/)
    assert.equal((await scratch.engine.adopt('key', actor)).number, 2)
  })

  it('touches nothing when the targets are not configured as they were', async () => {
    const { material } = await started()
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    const second = live()
    const moved = { ...material, targets: [new MemoryTarget(scratch.world, '/elsewhere')] }
    await (await scratch.restart([moved])).start()
    assert.equal(live(), second)
    assert.equal(scratch.world.places.has('/elsewhere'), false)
    assert.equal(scratch.store.journal.history({ limit: 1 })[0]?.result, 'needs_attention')
    // Nobody has looked whether it is in use, so it is kept without end.
    assert.equal(scratch.store.keys.get('key', 2)?.keepUntil, undefined)
    assert.match(scratch.store.schedule.get('key').attention ?? '', /no longer configured|drift/)
  })

  for (const [words, isSeen] of [
    ['that is seen', true],
    ['that cannot be told', false],
  ] as const) {
    it(`never takes a new value ${words} for what stood there before`, () => firstGivenUp(isSeen))
  }

  async function firstGivenUp(isSeen: boolean): Promise<void> {
    const material = memoryMaterial(scratch.world, 'key')
    await scratch.create([material])
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    assert.ok(live())
    await scratch.restart([material])
    const [target] = material.targets
    assert.ok(target)
    if (!isSeen) target.inspect = async () => ({ holds: 'unknown', detail: 'it hangs' })
    material.verifier.answer = () => ({ yes: false, reason: 'unseen' })
    const [open] = scratch.store.journal.unfinished()
    assert.ok(open)
    const materials = new Map([['key', material]])
    await recover(scratch.parts, materials, open, new AbortController().signal)
    assert.equal(live(), undefined)
  }
})

/** Until a world that has died has come to rest. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a value that nobody knows', () => {
  it('is not written over by a rotation, unless a person applies the version in use', async () => {
    const { engine, first } = await started()
    scratch.world.places.set('/key', 'edited')
    await assert.rejects(rotate('key'), { kind: 'needs-attention', message: /\/key holds a key/ })
    assert.equal(live(), 'edited')
    const scheduled = await engine.rotate({ ...manual, materials: ['key'], trigger: 'schedule' })
      .done
    assert.equal(scheduled.result, 'failed')
    assert.equal(live(), 'edited')
    await engine.apply('key', actor).done
    assert.equal(live(), first)
  })

  it('is not written over by a first version', async () => {
    const kind = { ...memoryKind }
    delete kind.adopt
    scratch.world.places.set('/key', 'in use')
    const { engine } = await started({ kind })
    assert.equal(live(), 'in use')
    assert.match(scratch.store.schedule.get('key').attention ?? '', /cannot be adopted/)
    await assert.rejects(rotate('key'), { kind: 'needs-attention' })
    assert.ok(engine)
  })

  for (const [effect, result] of [
    ['journal begin', 'failed'],
    ['stage /key', 'failed'],
    ['journal hold', 'failed'],
    ['stop key-server', 'needs_attention'],
  ] as const) {
    it(`is not written over when it comes before ${effect}`, async () => {
      const { material } = await started(offline())
      editAt(effect, 1, () => 'edited')
      assert.equal((await rotate('key')).result, result)
      assert.equal(live(), 'edited')
      assert.equal(material.consumer.running, true)
      assert.equal(scratch.store.keys.active('key')?.number, 1)
    })
  }

  it('is not written over by a recovery that goes on', async () => {
    const targets = ['/key', '/second'].map((path) => new MemoryTarget(scratch.world, path))
    const { material } = await started({ targets })
    await assert.rejects(parkedAt(material, 'restart key-server', false), Parked)
    const second = scratch.world.places.get('/second')
    scratch.world.places.set('/key', 'edited')
    await (await scratch.restart([material])).start()
    assert.equal(live(), 'edited')
    assert.notEqual(scratch.world.places.get('/second'), second)
    const [rotation] = scratch.store.journal.history({ limit: 1 })
    assert.equal(rotation?.result, 'needs_attention')
  })

  it('stays on the way back, while every other place is given back', async () => {
    const targets = ['/key', '/second'].map((path) => new MemoryTarget(scratch.world, path))
    const { material, first } = await started({ targets })
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    editAt('journal turn', 1, () => 'edited')
    const rotation = await rotate('key')
    assert.equal(rotation.result, 'needs_attention')
    assert.match(rotation.detail ?? '', /somebody has put another value into \/key: it was left/)
    assert.equal(live(), 'edited')
    assert.equal(scratch.world.places.get('/second'), first)
  })

  it('stays when it comes while the way back is being prepared, and what comes beside it, too', async () => {
    const { material, first } = await started(offline())
    material.verifier.answer = (verdict) =>
      material.consumer.serving.get('/key') === first ? verdict : { yes: false, reason: 'unseen' }
    editAt('stop key-server', 2, (value) => `${value}${beside}edited`)
    assert.equal((await rotate('key')).result, 'rolled_back')
    assert.equal(live(), `${first}${beside}edited`)
    editAt('stop key-server', 2, () => 'edited')
    assert.equal((await rotate('key')).result, 'needs_attention')
    assert.equal(live(), 'edited')
  })

  it('is none where an adopted version has a spelling of its own, which it keeps', async () => {
    const adopt: MadeHere['adopt'] = async ([found]) => {
      const text = found?.bytes.bytes.toString().trim() ?? ''
      return { parts: { value: SecretBytes.fromText(text) }, attributes: {} }
    }
    const targets = ['/key', '/second'].map((path) => new MemoryTarget(scratch.world, path))
    for (const { place } of targets) scratch.world.places.set(place.path, ' in use ')
    await started({ targets, kind: { ...memoryKind, adopt }, verifiers: [] })
    fail(/activate \/second/)
    assert.equal((await rotate('key')).result, 'rolled_back')
    assert.equal(scratch.world.places.get('/second'), ' in use ')
    assert.equal(live(), 'in use')
  })
})

/** An operator changes the value of `key` just before this effect happens so often. */
function editAt(effect: string, times: number, edit: (value: string) => string): void {
  let seen = 0
  scratch.world.before = (next) => {
    if (next !== effect || (seen += 1) !== times) return
    scratch.world.places.set('/key', edit(live() ?? ''))
  }
}

describe('secrets in memory', () => {
  it('are wiped once they are sealed, or the rotation that held them has ended', async () => {
    const target = new MemoryTarget(scratch.world, '/key')
    const held: SecretBytes[] = []
    const made: SecretBytes[] = []
    const generate: MadeHere['generate'] = async (...asked) => {
      const fresh = await memoryKind.generate(...asked)
      made.push(...Object.values(fresh.parts))
      return fresh
    }
    const stage = target.stage.bind(target)
    target.stage = async (move) => {
      const record = await stage(move)
      held.push(record)
      return record
    }
    await started({ targets: [target], kind: { ...memoryKind, generate } })
    await rotate('key')
    assert.deepEqual([held.length, made.length], [2, 2])
    assert.ok([...held, ...made].every(({ bytes }) => bytes.every((byte) => byte === 0)))
  })

  it('are wiped when what was imported is refused, and when it is sealed', async () => {
    const { engine } = await started()
    const made = () => ({ parts: { value: SecretBytes.fromText('imported') }, attributes: {} })
    const [refused, taken] = [made(), made()]
    fail(/check \/key/)
    assert.equal((await engine.import('key', refused, actor).done).result, 'failed')
    scratch.world.before = () => {}
    assert.equal((await engine.import('key', taken, actor).done).result, 'succeeded')
    for (const { parts } of [refused, taken]) {
      assert.ok(parts.value.bytes.every((byte) => byte === 0))
    }
    assert.equal(live(), 'imported')
  })
})
