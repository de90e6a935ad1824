import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import { messageOf, OperatorError } from '../../src/support/operator-error.ts'
import { preamble } from '../scenarios/scratch-rekeyd.ts'
import { type Campaign, SeededRandom } from './campaign.ts'
import { openEngine, type Verdicts } from './edits/engine.ts'
import { layOut, type MaterialName, materials, type Place, row } from './places/place.ts'

type Say = (violation: string) => void

const actor = { who: 'cli:campaign' }
/** About as many moments as a rotation of two materials has. */
const moments = 70
const verdicts = ['yes', 'yes', 'yes', 'no', 'late no', 'could not tell'] as const

/**
 * An operator who edits files at any moment of rotations, of rollbacks and of recoveries: beside the values, or
 * the values themselves. Nothing of it is lost, and nothing that he left alone is neither old nor new.
 */
export const campaign: Campaign = {
  name: 'edits',
  slice: 20,
  nightly: 2_000,
  needs: [],
  async run({ cases, seed, report, note }) {
    const seen = new Map<string, number>()
    for (let index = 0; index < cases; index += 1) {
      const its = seed + index
      const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-edits-'))
      const host = new Host(folder, new SeededRandom(its), (violation) => report(violation, its))
      try {
        for (const word of await host.live()) seen.set(word, (seen.get(word) ?? 0) + 1)
      } finally {
        host.close()
        rmSync(folder, { recursive: true })
      }
    }
    note(
      [...seen]
        .map((pair) => pair.join(' '))
        .toSorted()
        .join(', '),
    )
  },
}

/** Somebody's edit of a value, or of something beside it. */
interface Plan {
  readonly at: number
  readonly place: Place
  readonly material: MaterialName
  readonly kind: 'value' | 'beside' | 'mode' | 'touch'
}

const acts = ['rotate', 'rotate', 'rotate', 'rollback', 'apply', 'adopt', 'restart'] as const
type Act = (typeof acts)[number]

/** From an opening to the next, or to a crash. */
interface Life {
  isOver: boolean
}

const forever = new Promise<never>(() => {})

class Host {
  readonly #folder: string
  readonly #random: SeededRandom
  readonly #say: Say
  readonly #log: string[] = []
  readonly #places: Readonly<Record<MaterialName, Place[]>>
  /** Values that the operator has put somewhere, and what rekeyd may have made of them by being told to. */
  readonly #byHand = new Map<Place, string>()
  #edits = 0
  #moment = 0
  #plans: readonly Plan[] = []
  #crashAt = Infinity
  #crashed = Promise.withResolvers<'crashed'>()
  #life: Life = { isOver: false }
  #verdicts: Verdicts = {}
  #rekeyd: Awaited<ReturnType<typeof openEngine>> | undefined

  constructor(folder: string, random: SeededRandom, say: Say) {
    this.#folder = folder
    this.#random = random
    this.#say = (what) => say(`${what}\n    ${this.#log.join('\n    ')}`)
    const all = layOut(folder, { one: token('first-of-one'), two: token('first-of-two') })
    this.#places = { one: this.#someOf(all.one), two: this.#someOf(all.two) }
    // Each look at it starts a process.
    if (random.below(6) > 0) return
    this.#places.two.push(row(join(folder, 'app.db'), token('first-of-two')))
  }

  /** @returns how everything ended */
  async live(): Promise<readonly string[]> {
    const ends: string[] = []
    await this.#prepare()
    await this.#open()
    for (let left = 3 + this.#random.below(4); left > 0; left -= 1) {
      ends.push(await this.#turn())
      await this.#judge()
    }
    return ends
  }

  close(): void {
    this.#rekeyd?.store.close()
  }

  async #prepare(): Promise<void> {
    mkdirSync(join(this.#folder, 'rekeyd'), 0o700)
    const path = join(this.#folder, 'rekeyd.yaml')
    const yaml = materials.map(
      (name) => `
  ${name}:
    kind: token
    rotate: { every: 90d }
    consumers: [app]
    verify: none
    targets:
${this.#places[name].map(({ target }) => `      - ${target}`).join('\n')}`,
    )
    const consumers =
      'consumers: { app: { command: { stop: [/bin/true], start: [/bin/true] }, dwell: 2s } }\n'
    const text = `${preamble(this.#folder)}${consumers}materials:${yaml.join('')}\n`
    writeFileSync(path, text, { mode: 0o600 })
    await createStoreFor(await loadConfig({ path, now: Date.now() }))
  }

  async #open(): Promise<void> {
    this.#rekeyd?.store.close()
    const life = { isOver: false }
    this.#life = life
    this.#rekeyd = await openEngine(
      this.#folder,
      () => this.#pass(life),
      () => this.#verdicts,
    )
    await this.#rekeyd.engine.start()
  }

  /** One thing that rekeyd does, with what the operator does meanwhile, and afterwards at the latest. */
  async #turn(): Promise<string> {
    const random = this.#random
    const act = random.pick(acts)
    const both = act === 'rotate' && random.below(3) === 0
    const names = both ? materials : [random.pick(materials)]
    this.#verdicts = Object.fromEntries(materials.map((name) => [name, random.pick(verdicts)]))
    this.#plans = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => this.#plan())
    this.#crashAt = random.below(4) === 0 ? 1 + random.below(moments) : Infinity
    this.#moment = 0
    this.#crashed = Promise.withResolvers()
    const end = await Promise.race([this.#do(act, names), this.#crashed.promise])
    const shown = names.map((name) => `${name} (${this.#verdicts[name]})`).join(' and ')
    this.#log.push(`${act} ${shown}: ${end}`)
    if (end === 'crashed') {
      this.#crashAt = Infinity
      if (random.below(2) === 0) this.#perform(this.#plan())
      await this.#open()
    }
    this.#forgive(act, names, end)
    this.#expectSuccess(act, names, end)
    for (const plan of this.#plans) if (plan.at > this.#moment) this.#perform(plan)
    return `${act} ${end}`
  }

  /** Everybody else's turn. Whoever has crashed waits here for ever. */
  async #pass(life: Life): Promise<void> {
    if (life.isOver) await forever
    this.#moment += 1
    for (const plan of this.#plans) if (plan.at === this.#moment) this.#perform(plan)
    if (this.#moment < this.#crashAt) return
    life.isOver = true
    this.#crashed.resolve('crashed')
    await forever
  }

  #plan(): Plan {
    const random = this.#random
    const material = random.pick(materials)
    const place = random.pick(this.#places[material])
    const kind = place.file
      ? random.pick(['value', 'beside', 'beside', 'mode', 'touch'] as const)
      : random.pick(place.keep ? (['value', 'beside'] as const) : (['value'] as const))
    return { at: 1 + random.below(moments), place, material, kind }
  }

  #perform({ kind, place, at, material }: Plan): void {
    const random = this.#random
    const value = token(`by-hand-${(this.#edits += 1)}`)
    this.#log.push(
      `at ${this.#moment} (of ${at}) the operator changes ${kind} of ${material}: ${place.target}`,
    )
    if (kind === 'value') {
      place.overwrite(value, random)
      this.#byHand.set(place, value)
    } else if (kind === 'beside') {
      place.file?.edit(random, `edit-${this.#edits}`)
      place.keep?.(`edit-${this.#edits}`)
    } else if (kind === 'mode') place.file?.changeMode(random)
    else place.file?.touch()
  }

  /** @returns how it ended, in a word or two */
  async #do(act: Act, names: readonly MaterialName[]): Promise<string> {
    const { engine } = this.#rekeyd ?? {}
    const life = this.#life
    const [name] = names
    if (!engine || !name) throw new Error('not open')
    try {
      if (act === 'restart') await this.#open()
      if (act === 'adopt') await engine.adopt(name, actor)
      if (act === 'restart' || act === 'adopt') return 'done'
      const order = { materials: names, trigger: 'schedule' as const, actor, wait: true }
      const started =
        act === 'rotate'
          ? engine.rotate(order)
          : act === 'apply'
            ? engine.apply(name, actor)
            : engine.rollback(name, undefined, actor)
      return (await started.done).result ?? 'no result'
    } catch (error) {
      if (life.isOver) return forever
      if (error instanceof OperatorError) return `refused ${error.kind}`
      this.#say(`${act} ${names.join()} threw ${messageOf(error)}`)
      return 'threw'
    }
  }

  /** What a person asked to be written over, or taken for good, is theirs to give up. */
  #forgive(act: Act, names: readonly MaterialName[], end: string): void {
    const isForced = (act === 'apply' || act === 'rollback') && !end.startsWith('refused')
    const isAdopted = act === 'adopt' && end === 'done'
    for (const name of names) {
      for (const place of this.#places[name]) {
        const isGivenUp = isForced && place.value() !== this.#byHand.get(place)
        const isTaken = isAdopted && place.value() === this.#activeValue(name)
        if (isGivenUp || isTaken) this.#byHand.delete(place)
      }
    }
  }

  #expectSuccess(act: Act, names: readonly string[], end: string): void {
    const isCalm = this.#plans.every(({ kind }) => kind !== 'value') && this.#byHand.size === 0
    const isYes = names.every((name) => this.#verdicts[name] === 'yes')
    if (act === 'rotate' && isCalm && isYes && end !== 'succeeded' && end !== 'crashed') {
      const attention = names.map((name) => this.#rekeyd?.store.schedule.get(name).attention)
      if (attention.every((reason) => reason === undefined)) this.#say(`it ended as ${end}`)
    }
  }

  async #judge(): Promise<void> {
    const { store } = this.#rekeyd ?? {}
    if (!store) return
    const open = store.journal.unfinished()
    if (open.length > 0) this.#say(`${open.length} rotations are unfinished`)
    for (const name of materials) {
      const value = this.#activeValue(name)
      for (const place of this.#places[name]) {
        for (const lost of place.lost?.() ?? []) this.#say(`${lost} beside ${place.target} is lost`)
        const wanted = this.#byHand.get(place) ?? value
        if (place.value() !== wanted) {
          const what =
            wanted === value ? `the active version of ${name}` : 'what the operator put there'
          this.#say(`${place.target} does not hold ${what}`)
        }
      }
    }
    const files = new Set(materials.flatMap((name) => this.#places[name].map(({ file }) => file)))
    for (const file of files) for (const complaint of file?.complaints() ?? []) this.#say(complaint)
    const left = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /^\..*rekeyd-/.test(basename(name)),
    )
    for (const name of left) if (!/current\.rekeyd-\d/.test(name)) this.#say(`${name} is left`)
  }

  #activeValue(name: MaterialName): string {
    const { keys } = this.#rekeyd?.store ?? {}
    const active = keys?.active(name)
    const parts = active && keys?.secret(name, active.number)
    return parts?.['token']?.bytes.toString() ?? ''
  }

  #someOf(places: readonly Place[]): Place[] {
    const some = places.filter(() => this.#random.below(2) === 0)
    return some.length > 0 ? some : [this.#random.pick(places)]
  }
}

/** Long enough for a token. */
function token(word: string): string {
  return word.padEnd(24, '-')
}
