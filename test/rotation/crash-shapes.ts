import type { MadeByConsumer } from '../../src/materials/kind.ts'
import type { Engine } from '../../src/rotation/engine.ts'
import type { ManagedMaterial } from '../../src/rotation/managed.ts'
import {
  MemoryConsumer,
  MemoryTarget,
  MemoryVerifier,
  type MemoryWorld,
  memoryKind,
  memoryMaterial,
} from '../fakes/memory-world.ts'

const actor = { who: 'cli:alice' }

/** A way that a rotation can take. `name` is new for each run, so that runs can share one store. */
export interface Shape {
  readonly materials: (world: MemoryWorld, name: string) => readonly ManagedMaterial[]
  /** What happened before. */
  readonly before?: (engine: Engine, name: string, world: MemoryWorld) => Promise<unknown>
  /** What is in use at first: the ends of the paths that begin with the name. */
  readonly places?: readonly string[]
  /** Whether it can fail, and go back in a way of its own. */
  readonly returns?: boolean
  /** The targets have drifted before. */
  readonly drifted?: boolean
  /** What is interrupted. */
  readonly act: (engine: Engine, name: string) => Promise<unknown> | undefined
}

const rotate = (engine: Engine, ...materials: string[]) =>
  engine.rotate({ materials, trigger: 'manual', actor, wait: false }).done
export const rotateOne = (engine: Engine, name: string) => rotate(engine, name)

function overlapping(world: MemoryWorld, name: string) {
  const targets = [
    new MemoryTarget(world, `/${name}`),
    new MemoryTarget(world, `/${name}-old`, { role: 'previous' }),
    new MemoryTarget(world, `/${name}-next`, { role: 'next' }),
  ]
  return [memoryMaterial(world, name, { overlap: 1_000, targets })]
}

export const shapes: Readonly<Record<string, Shape>> = {
  'one place': {
    materials: (world, name) => [memoryMaterial(world, name)],
    act: rotateOne,
    returns: true,
  },
  'an offline place': {
    materials: (world, name) => [offline(world, name)],
    act: rotateOne,
    returns: true,
  },
  'two places that must match': {
    materials: (world, name) => [matching(world, name)],
    places: [],
    act: rotateOne,
    returns: true,
  },
  'a place for the previous version': {
    materials: overlapping,
    before: rotateOne,
    act: rotateOne,
    returns: true,
  },
  'the end of an overlap': {
    materials: overlapping,
    before: rotateOne,
    act: (engine, name) => engine.endOverlap(name, actor)?.done,
    returns: true,
  },
  'an announcement': {
    materials: overlapping,
    act: (engine, name) => engine.announce(name, actor).done,
  },
  'an announced version': {
    materials: overlapping,
    before: (engine, name) => engine.announce(name, actor).done,
    act: rotateOne,
    returns: true,
  },
  'an import': {
    materials: (world, name) => [memoryMaterial(world, name)],
    act: async (engine, name) => {
      const made = await memoryKind.generate(
        { material: name, now: 0 },
        new AbortController().signal,
      )
      return engine.import(name, made, actor).done
    },
  },
  'a rollback by hand': {
    materials: (world, name) => [offline(world, name)],
    before: rotateOne,
    act: (engine, name) => engine.rollback(name, undefined, actor).done,
    returns: true,
  },
  'an apply': {
    materials: (world, name) => [offline(world, name)],
    before: async (engine, name, world) => {
      const first = world.places.get(`/${name}`) ?? ''
      await rotate(engine, name)
      world.places.set(`/${name}`, first)
    },
    drifted: true,
    act: (engine, name) => engine.apply(name, actor).done,
    returns: true,
  },
  'a set that shares a consumer': {
    places: ['', '-b'],
    returns: true,
    materials: (world, name) => {
      const names = [name, `${name}-b`]
      const consumer = new MemoryConsumer(
        world,
        `${name}-server`,
        names.map((one) => `/${one}`),
      )
      return names.map((one, index) => {
        const verifier = new MemoryVerifier(consumer, `/${one}`)
        const targets = [new MemoryTarget(world, `/${one}`, { offline: index === 1 })]
        const consumers = [consumer.managed()]
        const shared = { consumers, targets, verifiers: [verifier] }
        return { ...memoryMaterial(world, one, shared), consumer, verifier }
      })
    },
    act: (engine, name) => rotate(engine, name, `${name}-b`),
  },
  'what its consumer makes': {
    materials: (world, name) => [consumerMade(world, name)],
    act: rotateOne,
  },
}

function offline(world: MemoryWorld, name: string) {
  const targets = [new MemoryTarget(world, `/${name}`, { offline: true })]
  return memoryMaterial(world, name, { targets })
}

function matching(world: MemoryWorld, name: string) {
  const consumer = new MemoryConsumer(world, `${name}-server`, [`/${name}`, `/${name}-second`])
  const verifier = new MemoryVerifier(consumer, `/${name}`)
  const material = memoryMaterial(world, name, {
    targets: [
      new MemoryTarget(world, `/${name}`, { part: 'value' }),
      new MemoryTarget(world, `/${name}-second`, { part: 'other' }),
    ],
    consumers: [consumer.managed({ ready: [verifier] })],
    verifiers: [verifier],
  })
  return { ...material, consumer, verifier }
}

/** A consumer that makes its value when it starts and finds none. */
class Maker extends MemoryConsumer {
  readonly #world: MemoryWorld
  readonly #path: string
  #made = 0

  constructor(world: MemoryWorld, name: string) {
    super(world, `${name}-server`, [`/${name}`])
    this.#world = world
    this.#path = `/${name}`
    this.#make()
    this.serving.set(this.#path, world.places.get(this.#path) ?? '')
  }

  override async start(): Promise<void> {
    if (!this.running) this.#make()
    await super.start()
  }

  #make(): void {
    const { places } = this.#world
    if (!places.has(this.#path)) places.set(this.#path, `made ${++this.#made}`)
  }
}

function consumerMade(
  world: MemoryWorld,
  name: string,
): ManagedMaterial<MadeByConsumer> & { readonly consumer: MemoryConsumer } {
  const consumer = new Maker(world, name)
  const value = () => world.places.get(`/${name}`)
  const kind: MadeByConsumer = {
    madeBy: 'consumer',
    offline: true,
    async observe() {
      const seen = value()
      return seen === undefined ? undefined : { value: seen, attributes: {} }
    },
    async provoke() {
      await world.effect(`provoke ${name}`)
      world.places.delete(`/${name}`)
    },
    async archive() {
      await world.effect(`archive ${name}`)
      const found = await memoryMaterial(world, name).targets[0]?.read?.(AbortSignal.timeout(1_000))
      return found && { parts: { value: found }, attributes: {} }
    },
  }
  const { targets: _, verifier: __, ...material } = memoryMaterial(world, name)
  return {
    ...material,
    kind,
    targets: [],
    verifiers: [],
    consumers: [consumer.managed()],
    consumer,
  }
}
