import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { messageOf } from '../../../src/support/operator-error.ts'
import { SeededRandom } from '../campaign.ts'
import type { FuzzClass, Opened } from './fuzz-class.ts'
import { listen } from './listen.ts'
import { Yard } from './sentinels.ts'
import { Trial } from './trial.ts'
import type { Watchdog } from './watchdog.ts'

/** Outcomes that independent readers get at once. */
const batchSize = 250
const defaultPatience = 2_000
const mostGrowth = 64 * 1024 * 1024
/** Shrinking takes its time, and the rest tends to follow from the first. */
const mostShrunk = 3
const longestShrinking = 20_000

export interface Hunt {
  readonly seeds: readonly number[]
  readonly folder: string
  readonly watchdog: Watchdog
  readonly report: (violation: string, seed?: number) => void
  readonly note: (figure: string) => void
}

/** Tries one case for each seed of a class, and reports with the smallest input that shows the same. */
export async function hunt<Input, Outcome>(
  fuzzClass: FuzzClass<Input, Outcome>,
  options: Hunt,
): Promise<void> {
  const yard = new Yard(options.folder, fuzzClass.name)
  const opened = await fuzzClass.open(options.folder)
  const hunter = new Hunter(fuzzClass, opened, yard, options)
  const deafen = listen(hunter)
  try {
    await hunter.run()
  } finally {
    deafen()
    await opened.close?.()
    yard.dispose()
  }
}

class Hunter<Input, Outcome> {
  readonly #class: FuzzClass<Input, Outcome>
  readonly #opened: Opened<Input, Outcome>
  readonly #yard: Yard
  readonly #options: Hunt
  readonly #underWay = new Map<Trial, number>()
  #violations = 0
  #slowest = 0
  #rooms = 0

  constructor(
    fuzzClass: FuzzClass<Input, Outcome>,
    opened: Opened<Input, Outcome>,
    yard: Yard,
    options: Hunt,
  ) {
    this.#class = fuzzClass
    this.#opened = opened
    this.#yard = yard
    this.#options = options
  }

  async run(): Promise<void> {
    const { seeds, note } = this.#options
    const { name } = this.#class
    const started = performance.now()
    let before = 0
    for (let at = 0; at < seeds.length; at += batchSize) {
      await this.#batch(seeds.slice(at, at + batchSize))
      // What is loaded at first stays.
      if (at === 0) before = memoryInUse()
    }
    const growth = memoryInUse() - before
    if (growth > mostGrowth) {
      this.#options.report(`${name}: memory grew by ${(growth / 2 ** 20).toFixed(0)} MiB`)
    }
    const took = ((performance.now() - started) / 1_000).toFixed(1)
    const without = this.#opened.missing?.length
      ? `, without ${this.#opened.missing.join(', ')}`
      : ''
    note(
      `${name}: ${seeds.length} cases in ${took} s, slowest ${this.#slowest.toFixed(0)} ms${without}`,
    )
  }

  /** Something that was printed meanwhile. */
  heard(text: string): void {
    for (const trial of this.#underWay.keys()) trial.hear(text)
  }

  /** Something that nobody awaited has failed. */
  uncaught(error: unknown): void {
    const [seed] = this.#underWay.values()
    this.#say(seed, error)
  }

  async #batch(seeds: readonly number[]): Promise<void> {
    const outcomes: { readonly seed: number; readonly outcome: Outcome }[] = []
    const queue = seeds.values()
    const lane = async () => {
      for (const seed of queue) {
        try {
          outcomes.push({ seed, outcome: await this.#attempt(this.#inputOf(seed), seed) })
        } catch (error) {
          await this.#report(seed, error)
        }
      }
    }
    await Promise.all(Array.from({ length: this.#class.abreast ?? 1 }, lane))
    const verdicts = await this.#opened.judge?.(outcomes.map(({ outcome }) => outcome))
    for (const [index, verdict] of (verdicts ?? []).entries()) {
      const seed = outcomes[index]?.seed
      if (verdict !== undefined && seed !== undefined) await this.#report(seed, new Error(verdict))
    }
  }

  #inputOf(seed: number): Input {
    const [input] = fc.sample(this.#class.inputs, { seed: spread(seed), numRuns: 1 })
    return input as Input
  }

  async #attempt(input: Input, seed: number): Promise<Outcome> {
    this.#options.watchdog.begins(seed)
    this.#rooms += 1
    const trial = new Trial(this.#yard.room(this.#rooms), seed)
    const room = this.#rooms
    const patience = this.#class.patience ?? defaultPatience
    const began = performance.now()
    this.#underWay.set(trial, seed)
    try {
      const outcome = await within(patience * 10, this.#opened.attempt(input, trial))
      const took = performance.now() - began
      this.#slowest = Math.max(this.#slowest, took)
      if (took > patience) throw new Error(`takes ${(took / 1_000).toFixed(1)} s`)
      trial.refuseLeaks()
      this.#yard.refuseTraces()
      return outcome
    } finally {
      this.#underWay.delete(trial)
      this.#yard.clear(room)
    }
  }

  /** Repeats the case alone, which also tells what is slow from what was slowed down by others. */
  async #report(seed: number, error: unknown): Promise<void> {
    const isSlow = messageOf(error).startsWith('takes ')
    if (!isSlow) this.#violations += 1
    if (this.#violations > mostShrunk) return this.#say(seed, messageOf(error))
    const property = fc.asyncProperty(this.#class.inputs, async (input) => {
      const outcome = await this.#attempt(input, seed)
      const [verdict] = (await this.#opened.judge?.([outcome])) ?? []
      if (verdict !== undefined) throw new Error(verdict)
    })
    const { failed, counterexample, errorInstance } = await fc.check(property, {
      seed: spread(seed),
      numRuns: 1,
      interruptAfterTimeLimit: longestShrinking,
      markInterruptAsFailure: false,
    })
    if (failed) return this.#say(seed, errorInstance, counterexample?.[0])
    if (!isSlow) this.#say(seed, `only in company: ${messageOf(error)}`)
  }

  #say(seed: number | undefined, error: unknown, input?: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const what = stack.split('\n').slice(0, 12).join('\n').slice(0, 3_000)
    const example = input === undefined ? '' : `\n  input: ${fc.stringify(input).slice(0, 2_000)}`
    this.#options.report(`${this.#class.name}: ${what}${example}`, seed)
  }
}

/** fast-check's generator makes similar things of similar seeds. */
function spread(seed: number): number {
  return new SeededRandom(seed).below(2 ** 31)
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('does not end')), milliseconds)
  })
  try {
    return await Promise.race([work, never])
  } finally {
    clearTimeout(timer)
  }
}

/** Bytes, when all garbage is gone. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
