import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { ManagedConsumer } from '../../src/rotation/managed.ts'
import {
  announcementsOf,
  consumerSteps,
  type Member,
  placementsOf,
} from '../../src/rotation/plan.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { MemoryTarget, MemoryWorld, memoryMaterial } from '../fakes/memory-world.ts'

const world = new MemoryWorld()
const from = fakeEdition('old')
const to = fakeEdition('new')

afterEach(() => world.places.clear())

function memberWith(
  targets: readonly MemoryTarget[],
  overrides: Partial<ManagedConsumer> = {},
  member: Partial<Member> = {},
): Member {
  const material = memoryMaterial(world, 'key', { targets, overlap: 1_000 })
  const consumers = material.consumers.map((managed) => ({ ...managed, ...overrides }))
  return { material: { ...material, consumers }, from, to, ...member }
}

const inWords = (member: Member) =>
  placementsOf([member]).map(({ action, edition, target }) => [
    action,
    edition.version.fingerprint === to.version.fingerprint ? 'new' : 'old',
    target.place.path,
  ])

describe('placementsOf', () => {
  const roles = [
    new MemoryTarget(world, '/key'),
    new MemoryTarget(world, '/previous', { role: 'previous' }),
    new MemoryTarget(world, '/next', { role: 'next' }),
  ]

  it('puts the new version, keeps the old where it is asked for, and clears the announced one', () => {
    assert.deepEqual(inWords(memberWith(roles, {}, { announced: to })), [
      ['put', 'new', '/key'],
      ['put', 'old', '/previous'],
      ['take', 'new', '/next'],
    ])
  })

  it('has nothing to keep or clear on a first rotation', () => {
    const { from: _, ...first } = memberWith(roles)
    assert.deepEqual(inWords(first), [['put', 'new', '/key']])
  })

  it('shows no one a previous version that has leaked, nor the one before', () => {
    const { version } = from
    const leaked = { ...from, version: { ...version, compromised: true } }
    const shown = { from: leaked, retiring: from }
    assert.deepEqual(inWords(memberWith(roles, {}, shown)), [
      ['put', 'new', '/key'],
      ['take', 'old', '/previous'],
    ])
  })

  it('writes again what clients are shown when the version in use is written again', () => {
    const active = { ...to, version: { ...to.version, state: 'active' as const } }
    const shown = { to: active, retiring: from, announced: from }
    assert.deepEqual(inWords(memberWith(roles, {}, shown)), [
      ['put', 'new', '/key'],
      ['put', 'old', '/previous'],
      ['put', 'old', '/next'],
    ])
  })

  it('only takes the previous version away when its overlap ends', () => {
    assert.deepEqual(inWords(memberWith(roles, {}, { ending: true })), [
      ['take', 'old', '/previous'],
    ])
  })

  it('only shows the next version when it is announced', () => {
    const places = announcementsOf(memberWith(roles)).map(({ target }) => target.place.path)
    assert.deepEqual(places, ['/next'])
  })
})

describe('consumerSteps', () => {
  const steps = (member: Member) =>
    consumerSteps(placementsOf([member])).map(({ quiesce, verb }) => [quiesce, verb])
  const plain = [new MemoryTarget(world, '/key')]

  it('takes the least verb that the config names', () => {
    assert.deepEqual(steps(memberWith(plain, { apply: 'reload' })), [[false, 'reload']])
  })

  it('takes a stronger verb when a place needs it', () => {
    assert.deepEqual(steps(memberWith(plain, { apply: 'none' })), [[false, 'signal']])
  })

  it('stops the consumer for what must change offline', () => {
    const offline = [new MemoryTarget(world, '/key', { offline: true })]
    assert.deepEqual(steps(memberWith(offline)), [[true, 'stop-start']])
  })

  it('refuses to change offline what cannot be stopped', () => {
    const member = memberWith([new MemoryTarget(world, '/key', { offline: true })])
    const [managed] = member.material.consumers
    assert.ok(managed)
    const consumer = Object.create(managed.consumer, {
      canStop: { value: false },
    }) as typeof managed.consumer
    const stuck = {
      ...member,
      material: { ...member.material, consumers: [{ ...managed, consumer }] },
    }
    assert.throws(() => steps(stuck), { kind: 'refused' })
  })

  it('refuses a place that not even a restart makes the consumer read', () => {
    const member = memberWith([new MemoryTarget(world, '/key', { offline: true })])
    const [managed] = member.material.consumers
    assert.ok(managed)
    const consumer = Object.create(managed.consumer, {
      picksUp: { value: () => false },
    }) as typeof managed.consumer
    const deaf = {
      ...member,
      material: { ...member.material, consumers: [{ ...managed, consumer }] },
    }
    assert.throws(() => steps(deaf), { kind: 'refused', message: /no way to pick the change up/ })
  })
})
