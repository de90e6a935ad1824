import { randomBytes } from 'node:crypto'
import type { Consumer, Verb } from '../../src/consumers/consumer.ts'
import type { Made, MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'
import type { ManagedConsumer, ManagedMaterial } from '../../src/rotation/managed.ts'
import {
  LiveChanged,
  type Move,
  type Place,
  type Role,
  type Target,
} from '../../src/targets/target.ts'
import type { Verdict, Verifier } from '../../src/verifiers/verifier.ts'

/**
 * A world in memory: places that hold values, consumers that read them when they start, and a list of
 * everything that happened. Any of it can be told to fail, or to be the last before a crash.
 */
export class MemoryWorld {
  readonly places = new Map<string, string>()
  readonly log: string[] = []
  /** Called before each effect; throws to make it fail. */
  before: (effect: string) => void = () => {}
  /** As after `kill -9`: whatever is asked for is never done, and never answered. */
  dead = false

  async effect(effect: string): Promise<void> {
    this.before(effect)
    if (this.dead) await new Promise(() => {})
    this.log.push(effect)
  }
}

/** Whatever stands behind this mark is beside the value, and not ours: as another key of the same file. */
export const beside = ' # '

/** A place whose content is a value, and perhaps something {@link beside} it. */
export class MemoryTarget implements Target {
  readonly type = 'memory'
  readonly place: Place
  readonly role: Role
  readonly offline: boolean
  readonly part?: string
  readonly #world: MemoryWorld
  readonly #staged = new Map<string, { value: string; live: string | undefined }>()

  constructor(
    world: MemoryWorld,
    path: string,
    options: { role?: Role; offline?: boolean; part?: string } = {},
  ) {
    this.#world = world
    this.place = { path, reads: 'file' }
    this.role = options.role ?? 'active'
    this.offline = options.offline ?? false
    if (options.part !== undefined) this.part = options.part
  }

  async check(): Promise<void> {
    this.#world.before(`check ${this.place.path}`)
  }

  async stage({ rotation, edition }: Move): Promise<SecretBytes> {
    await this.#world.effect(`stage ${this.place.path}`)
    const live = this.#world.places.get(this.place.path)
    const value = (await edition.bytes()).bytes.toString() + besides(live)
    this.#staged.set(rotation, { value, live })
    return SecretBytes.fromText(JSON.stringify({ live: live ?? null }))
  }

  async activate({ rotation, edition }: Move): Promise<void> {
    const { path } = this.place
    const wanted = (await edition.bytes()).bytes.toString()
    const live = this.#world.places.get(path)
    if (valueOf(live) === wanted) return
    const staged = this.#staged.get(rotation)
    if (!staged || staged.live !== live) throw new LiveChanged(`${path} was edited`)
    await this.#world.effect(`activate ${path}`)
    this.#world.places.set(path, staged.value)
    this.#staged.delete(rotation)
  }

  async withdraw({ edition }: Move, held: SecretBytes | undefined): Promise<void> {
    await this.#world.effect(`withdraw ${this.place.path}`)
    const ours = (await edition.bytes()).bytes.toString()
    if (valueOf(this.#world.places.get(this.place.path)) !== ours) return
    const before = held ? (JSON.parse(held.bytes.toString()) as { live: string | null }).live : null
    if (before === null) this.#world.places.delete(this.place.path)
    else this.#world.places.set(this.place.path, before)
  }

  async inspect(candidates: readonly Edition[]) {
    const live = valueOf(this.#world.places.get(this.place.path))
    if (live === undefined) return { holds: 'nothing' as const }
    for (const edition of candidates) {
      if ((await edition.bytes()).bytes.toString() === live) {
        return { holds: 'version' as const, number: edition.version.number }
      }
    }
    return { holds: 'something else' as const }
  }

  async read(): Promise<SecretBytes | undefined> {
    const live = valueOf(this.#world.places.get(this.place.path))
    return live === undefined ? undefined : SecretBytes.fromText(live)
  }

  async tidy(): Promise<void> {
    this.#staged.clear()
  }

  get leftovers(): number {
    return this.#staged.size
  }
}

function valueOf(content: string | undefined): string | undefined {
  return content?.split(beside)[0]
}

function besides(content = ''): string {
  return content.slice(valueOf(content)?.length)
}

/** Reads all its places when it starts; while it is down nobody can ask it anything. */
export class MemoryConsumer implements Consumer {
  readonly canStop = true
  running = true
  serving = new Map<string, string>()
  readonly name: string
  readonly #world: MemoryWorld
  readonly #reads: readonly string[]

  constructor(world: MemoryWorld, name: string, reads: readonly string[]) {
    this.#world = world
    this.name = name
    this.#reads = reads
    this.#load()
  }

  async check(): Promise<void> {
    this.#world.before(`check ${this.name}`)
  }

  async stop(): Promise<void> {
    await this.#world.effect(`stop ${this.name}`)
    this.running = false
  }

  async start(): Promise<void> {
    await this.#world.effect(`start ${this.name}`)
    if (!this.running) this.#load()
    this.running = true
  }

  async apply(verb: Verb): Promise<void> {
    await this.#world.effect(`${verb} ${this.name}`)
    this.#load()
    this.running = true
  }

  picksUp(verb: Verb): boolean {
    return verb !== 'none'
  }

  managed(overrides: Partial<ManagedConsumer> = {}): ManagedConsumer {
    return {
      name: this.name,
      consumer: this,
      apply: 'restart',
      ready: [],
      timeouts: { stop: 5_000, start: 5_000, ready: 2_000 },
      dwell: 1_000,
      ...overrides,
    }
  }

  #load(): void {
    this.serving = new Map(
      this.#reads.flatMap((path) => {
        const value = valueOf(this.#world.places.get(path))
        return value === undefined ? [] : [[path, value] as const]
      }),
    )
  }
}

/** Compares what the consumer serves from a place with the edition. */
export class MemoryVerifier implements Verifier {
  readonly type = 'memory'
  readonly proves = true
  readonly subject: string
  answer: (verdict: Verdict) => Verdict = (verdict) => verdict
  readonly #consumer: MemoryConsumer

  constructor(consumer: MemoryConsumer, path: string) {
    this.#consumer = consumer
    this.subject = path
  }

  async accepts(edition: Edition): Promise<Verdict> {
    const wanted = (await edition.bytes()).bytes.toString()
    return this.answer(this.#serves(wanted) ? yes : { yes: false, reason: 'serves another value' })
  }

  async refuses(previous: Edition): Promise<Verdict> {
    const old = (await previous.bytes()).bytes.toString()
    return this.#serves(old) ? { yes: false, reason: 'still serves the old value' } : yes
  }

  async ready(): Promise<Verdict> {
    return this.#consumer.running ? yes : { yes: false, reason: 'is down' }
  }

  #serves(value: string): boolean {
    if (!this.#consumer.running) throw new Error('connection refused')
    return this.#consumer.serving.get(this.subject) === value
  }
}

const yes: Verdict = { yes: true }

/** A random text of its own, with the default part `value`. */
export const memoryKind: MadeHere = {
  madeBy: 'rekeyd',
  parts: { value: { formats: ['raw'] } },
  async generate(): Promise<Made> {
    return made(randomBytes(24).toString('base64url'))
  },
  async render(parts) {
    return SecretBytes.copyOf(parts['value']?.bytes ?? Buffer.alloc(0))
  },
  async adopt(found) {
    return made(found[0]?.bytes.bytes.toString() ?? '')
  },
}

function made(text: string): Made {
  return { parts: { value: SecretBytes.fromText(text) }, attributes: {} }
}

/** One material with one place, one consumer and one verifier. */
export function memoryMaterial(
  world: MemoryWorld,
  name: string,
  overrides: Partial<ManagedMaterial<MadeHere>> = {},
): ManagedMaterial<MadeHere> & {
  readonly consumer: MemoryConsumer
  readonly verifier: MemoryVerifier
} {
  const path = `/${name}`
  const consumer = new MemoryConsumer(world, `${name}-server`, [path])
  const verifier = new MemoryVerifier(consumer, path)
  return {
    name,
    kind: memoryKind,
    targets: [new MemoryTarget(world, path)],
    consumers: [consumer.managed({ ready: [verifier] })],
    verifiers: [verifier],
    overlap: 0,
    keep: 30 * 86_400_000,
    onMissing: 'create',
    onFailure: 'stay-down',
    ...overrides,
    consumer,
    verifier,
  }
}
