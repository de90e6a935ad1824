import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Made, MadeByConsumer, MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import { memoryMaterial } from '../fakes/memory-world.ts'
import { ScratchEngine } from './scratch-engine.ts'

const actor = { who: 'cli:alice' }

let scratch: ScratchEngine

beforeEach(() => {
  scratch = new ScratchEngine()
})
afterEach(() => scratch.dispose())

const made = (text: string, attributes: Made['attributes'] = {}): Made => ({
  parts: { value: SecretBytes.fromText(text) },
  attributes,
})

/** A material whose issuer hands out what a test says; its first version leaked and was replaced. */
async function leaked() {
  const material = memoryMaterial(scratch.world, 'key')
  const issuer = { next: made('first', { spki_sha256: 'sha256:01' }) }
  const generate: MadeHere['generate'] = async () => issuer.next
  Object.assign(material, { kind: { ...material.kind, generate } })
  const engine = await scratch.create([material])
  await engine.start()
  issuer.next = made('second', { spki_sha256: 'sha256:02' })
  assert.equal((await engine.compromise('key', undefined, actor).done).result, 'succeeded')
  return { engine, issuer }
}

const live = () => scratch.world.places.get('/key')
const again = { kind: 'refused', message: /version 1 again, which is marked as compromised/ }

describe('a value that has leaked', () => {
  it('is not imported again, and neither is another certificate for its key', async () => {
    const { engine } = await leaked()
    await assert.rejects(engine.import('key', made('first'), actor).done, again)
    const sameKey = made('a new certificate', { spki_sha256: 'sha256:01' })
    await assert.rejects(engine.import('key', sameKey, actor).done, again)
    assert.equal(live(), 'second')
    assert.equal(scratch.store.keys.list('key').length, 2)
    const other = made('a new certificate', { spki_sha256: 'sha256:03' })
    assert.equal((await engine.import('key', other, actor).done).result, 'succeeded')
  })

  it('is not imported again although nothing is left of it but its fingerprint', async () => {
    const { engine } = await leaked()
    scratch.store.keys.destroy('key', 1, actor)
    await assert.rejects(engine.import('key', made('first'), actor).done, again)
  })

  it('is not adopted when it is back at its place', async () => {
    const { engine } = await leaked()
    scratch.world.places.set('/key', 'first')
    await assert.rejects(engine.adopt('key', actor), again)
    assert.equal(scratch.store.keys.active('key')?.number, 2)
    assert.equal((await engine.apply('key', actor).done).result, 'succeeded')
    assert.equal(live(), 'second')
  })

  it('is not taken from an issuer that has nothing else; the attempt is history', async () => {
    const { engine, issuer } = await leaked()
    issuer.next = made('first')
    const scheduled = { materials: ['key'], trigger: 'schedule' as const, actor, wait: true }
    const rotation = await engine.rotate(scheduled).done
    assert.equal(rotation.result, 'failed')
    assert.match(rotation.detail ?? '', again.message)
    assert.equal(live(), 'second')
  })

  it('is marked again when a consumer that makes it itself is seen with it', async () => {
    const { world } = scratch
    world.places.set('/made', 'first')
    const kind: MadeByConsumer = {
      madeBy: 'consumer',
      offline: false,
      observe: async () => ({ value: world.places.get('/made') ?? '', attributes: {} }),
      provoke: async () => void world.places.set('/made', 'second'),
    }
    const own: ManagedMaterial<MadeByConsumer> = {
      ...memoryMaterial(world, 'made'),
      kind,
      targets: [],
      verifiers: [],
      consumers: [],
    }
    const engine = await scratch.create([own])
    await engine.start()
    assert.equal((await engine.compromise('made', undefined, actor).done).result, 'succeeded')
    world.places.set('/made', 'first')
    assert.equal(await engine.changed('made'), true)
    const active = scratch.store.keys.active('made')
    assert.deepEqual([active?.fingerprint, active?.compromised], ['first', true])
    world.places.set('/made', 'third')
    await engine.changed('made')
    assert.equal(scratch.store.keys.active('made')?.compromised, false)
  })
})
