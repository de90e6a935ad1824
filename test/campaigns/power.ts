import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Campaign, type CampaignOptions, SeededRandom } from './campaign.ts'
import { type Findings, judge } from './crash/judge.ts'
import { layOut } from './crash/lane.ts'
import type { Scenario } from './crash/scenario.ts'
import { scenarios } from './crash/scenarios.ts'
import { cuts, type FileSystem, fileSystems, Image, unmountAnyhow } from './power/image.ts'

const worker = join(import.meta.dirname, 'power/endless.ts')
const types = Object.keys(fileSystems) as FileSystem[]

/** What is rotated without end; `within` is how many milliseconds one rotation takes, roughly. */
const rotations = [
  { scenario: 'env', material: 'token', within: 200 },
  { scenario: 'file set', material: 'tls', within: 300 },
  { scenario: 'sqlcipher', material: 'db-key', within: 3_000 },
] as const

/** One scenario on one file system, as it is before its power is cut. */
interface Ground {
  readonly scenario: Scenario
  readonly image: Image
  readonly before: Findings
}

/** Cuts the power of the file system, targets and store alike, at random moments of rotations. */
export const campaign: Campaign = {
  name: 'power',
  slice: 30,
  nightly: 400,
  needs: ['mount', 'xfs'],
  async run(options) {
    const root = mkdtempSync(join(tmpdir(), 'rekeyd-power-'))
    const lanes = ['left', 'right'].map((side) => new PowerLane(join(root, side), options))
    try {
      const random = new SeededRandom(options.seed)
      // The first is the seed itself, so that the number of a case is a seed that repeats it.
      const others = Array.from({ length: options.cases - 1 }, () => random.below(1e9))
      const queue = [options.seed, ...others].values()
      const acknowledged = await Promise.all(lanes.map((lane) => lane.play(queue)))
      const sum = acknowledged.reduce((total, one) => total + one)
      options.note(`${sum} rotations were acknowledged before a cut, none may be lost`)
    } finally {
      for (const lane of lanes) unmountAnyhow(lane.at)
      rmSync(root, { recursive: true, force: true })
    }
  },
}

class PowerLane {
  readonly at: string
  readonly #root: string
  readonly #options: CampaignOptions
  readonly #grounds = new Map<string, Promise<Ground>>()

  constructor(root: string, options: CampaignOptions) {
    this.#root = root
    this.#options = options
    this.at = join(root, 'at')
    mkdirSync(root)
  }

  /** @returns how many rotations were acknowledged */
  async play(queue: Iterator<number>): Promise<number> {
    let acknowledged = 0
    for (let next = queue.next(); !next.done; next = queue.next()) {
      acknowledged += await this.#cutOnce(next.value)
    }
    return acknowledged
  }

  async #cutOnce(number: number): Promise<number> {
    const random = new SeededRandom(number)
    const [type, rotation] = [random.pick(types), random.pick(rotations)]
    const left = random.pick(Object.keys(cuts) as (keyof typeof cuts)[])
    const cutAt = { rotation: random.below(3), delay: random.below(rotation.within) }
    const tell = (complaint: string) =>
      this.#options.report(
        `${rotation.scenario} on ${type}, ${left} flushed, ${cutAt.delay} ms after ${cutAt.rotation} rotations: ${complaint}`,
        number,
      )
    const ground = await this.#ground(type, rotation.scenario)
    const image = await ground.image.copyTo(join(this.#root, 'image'))
    await image.mount()
    try {
      const told = await rotateUntil(this.#folder, rotation.material, cutAt, () => image.cut(left))
      await image.unmount()
      await image.mount()
      const found = await judge(this.#folder, ground.scenario)
      for (const complaint of complaintsOf(ground.before, found)) tell(complaint)
      const active = found.active[rotation.material] ?? 0
      const last = told.at(-1) ?? 0
      if (active < last) tell(`version ${last} was acknowledged, and ${active} is active`)
      return told.length
    } catch (error) {
      tell(String(error))
      return 0
    } finally {
      await image.unmount()
    }
  }

  get #folder(): string {
    return join(this.at, 'rekeyd')
  }

  #ground(type: FileSystem, name: string): Promise<Ground> {
    const key = `${type} ${name}`
    const known = this.#grounds.get(key) ?? this.#prepare(key, type, name)
    this.#grounds.set(key, known)
    return known
  }

  async #prepare(key: string, type: FileSystem, name: string): Promise<Ground> {
    const scenario = scenarios[name]
    if (!scenario) throw new RangeError(`there is no scenario ${name}`)
    const image = new Image(join(this.#root, key), this.at, type)
    await image.make()
    await image.mount()
    try {
      await layOut(this.#folder, scenario)
      return { scenario, image, before: await judge(this.#folder, scenario) }
    } finally {
      await image.unmount()
    }
  }
}

/** @returns the versions that were acknowledged before the cut */
async function rotateUntil(
  folder: string,
  material: string,
  cutAt: { readonly rotation: number; readonly delay: number },
  cut: () => void,
): Promise<readonly number[]> {
  const { PATH = '' } = process.env
  const env = { PATH, NODE_COMPILE_CACHE: join(tmpdir(), 'rekeyd-cache') }
  const child = spawn(process.execPath, [worker, folder, material], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env,
  })
  const ended = once(child, 'close')
  const told: number[] = []
  const ready = Promise.withResolvers<void>()
  createInterface(child.stdout).on('line', (line) => {
    if (line !== 'ready') told.push(Number(line))
    if (told.length === cutAt.rotation) ready.resolve()
  })
  try {
    await Promise.race([
      ready.promise,
      ended.then(() => Promise.reject(new Error('rekeyd ended before anything was cut'))),
    ])
    await pause(cutAt.delay)
    // What is in the pipe at this moment was said before the cut.
    cut()
  } finally {
    child.kill('SIGKILL')
    await ended
  }
  return told
}

function complaintsOf(before: Findings, { violations, known, content }: Findings) {
  const complaints = [...violations]
  for (const [version, value] of before.known) {
    if (!known.get(version)?.equals(value)) complaints.push(`${version} cannot be given back`)
  }
  if (!isDeepStrictEqual(content, before.content)) complaints.push('rows of the database differ')
  return complaints
}
