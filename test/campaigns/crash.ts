import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Campaign, type CampaignOptions, SeededRandom } from './campaign.ts'
import { type FaultPoint, faultPointsOf, traced, wasInjected } from './crash/fault-points.ts'
import { type Findings, judge } from './crash/judge.ts'
import { Lane, workerCommand } from './crash/lane.ts'
import type { Scenario } from './crash/scenario.ts'
import { scenarios } from './crash/scenarios.ts'

const names = Object.keys(scenarios)
/** A worker that takes longer hangs. */
const patience = 60_000

/** What a scenario is like before its act (in each lane: secrets differ), and when nothing disturbs it. */
interface Reference {
  readonly before: Map<Lane, Findings>
  readonly names: Set<string>
  /** By kind of call: else writes, which are hundreds, would be nearly all that is tried. */
  piles: readonly (readonly FaultPoint[])[]
}
type References = ReadonlyMap<string, Reference>

/** Kills rekeyd, or makes the call fail, at every system call with which a rotation changes something. */
export const campaign: Campaign = {
  name: 'crash',
  slice: 300,
  // From here on every fault point there is, some 15 000.
  nightly: 15_000,
  needs: ['strace'],
  async run(options) {
    const root = mkdtempSync(join(tmpdir(), 'rekeyd-crash-'))
    try {
      const lanes = ['left', 'right'].map((side) => new Lane(join(root, side)))
      const sample = options.cases < campaign.nightly ? sampled(options) : undefined
      const used = new Set(sample?.map((number) => names[number % names.length] ?? '') ?? names)
      const references = new Map<string, Reference>()
      for (const name of used) {
        references.set(name, { before: new Map(), names: new Set(), piles: [] })
      }
      await Promise.all(lanes.map((lane, side) => prepare(lane, side, references, options)))
      const cases = sample ?? everyCase(references)
      options.note(`${cases.length} of ${everyCase(references).length} fault points`)
      const queue = cases.values()
      const missed = await Promise.all(lanes.map((lane) => play(lane, queue, references, options)))
      const sum = missed.reduce((total, one) => total + one)
      options.note(`${sum} of them did not come to pass`)
      // Calls are not counted quite the same in each run; but who injects nothing finds nothing.
      if (cases.length >= 10 && sum > cases.length / 5)
        options.report(`${sum} faults did not come to pass`)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  },
}

/** Lays every scenario out in a lane; the lanes share the work of finding its fault points. */
async function prepare(
  lane: Lane,
  side: number,
  references: References,
  options: CampaignOptions,
): Promise<void> {
  for (const [index, [name, reference]] of [...references].entries()) {
    const scenario = scenarios[name]
    if (!scenario) continue
    await lane.prepare(name, scenario)
    lane.restore(name)
    if (index % 2 === side) {
      const { stderr, status } = await runWorker(lane, scenario)
      if (status !== 0) throw new Error(`${name} does not succeed undisturbed: ${stderr}`)
      const points = faultPointsOf(lane.log, lane.folder)
      reference.piles = [...Map.groupBy(points, ({ call }) => call).values()]
      const after = await judge(lane.folder, scenario)
      for (const violation of after.violations) options.report(`${name}, undisturbed: ${violation}`)
      for (const found of after.names) reference.names.add(found)
      lane.restore(name)
    }
    const before = await judge(lane.folder, scenario)
    for (const found of before.names) reference.names.add(found)
    reference.before.set(lane, before)
  }
}

/**
 * Numbers of cases. The first is the seed itself, so that the number of a case is a seed that repeats it;
 * slow scenarios have a third of the share of the others.
 */
function sampled({ cases, seed }: CampaignOptions): readonly number[] {
  const random = new SeededRandom(seed)
  const numbers = [seed]
  while (numbers.length < cases) {
    const number = random.below(1e9)
    const slow = scenarios[names[number % names.length] ?? '']?.slow === true
    if (!slow || random.below(3) === 0) numbers.push(number)
  }
  return numbers
}

function everyCase(references: References): readonly number[] {
  return names.flatMap((name, which) =>
    (references.get(name)?.piles ?? []).flatMap((pile, index, piles) =>
      pile.map((_, place) => which + names.length * (index + piles.length * place)),
    ),
  )
}

function caseOf(number: number, references: References) {
  const name = names[number % names.length] ?? ''
  const [scenario, reference] = [scenarios[name], references.get(name)]
  const rest = Math.floor(number / names.length)
  const pile = reference?.piles[rest % reference.piles.length]
  const point = pile?.[Math.floor(rest / (reference?.piles.length ?? 1)) % pile.length]
  if (!scenario || !reference || !point) throw new RangeError(`there is no case ${number}`)
  return { name, scenario, reference, point }
}

/** @returns how many faults did not come to pass */
async function play(
  lane: Lane,
  queue: Iterator<number>,
  references: References,
  options: CampaignOptions,
): Promise<number> {
  let missed = 0
  for (let next = queue.next(); !next.done; next = queue.next()) {
    const { name, scenario, reference, point } = caseOf(next.value, references)
    const tell = (complaint: string) =>
      options.report(`${name}, ${point.call} ${point.nth} ${point.fault}: ${complaint}`, next.value)
    try {
      lane.restore(name)
      const ended = await runWorker(lane, scenario, point)
      if (!wasInjected(lane.log)) missed += 1
      const found = await judge(lane.folder, scenario)
      for (const complaint of complaintsOf(lane, ended, found, reference)) tell(complaint)
    } catch (error) {
      tell(String(error))
    }
  }
  return missed
}

function complaintsOf(
  lane: Lane,
  { status, stdout }: Ended,
  { violations, known, active, names: found, content }: Findings,
  reference: Reference,
): readonly string[] {
  const complaints = [...violations]
  const before = reference.before.get(lane)
  if (status === 0 && !stdout) complaints.push('ended well without a word')
  for (const [name, told] of Object.entries(said(stdout))) {
    if (active[name] !== told) {
      complaints.push(`said that version ${told} of ${name} is active, and now ${active[name]} is`)
    }
  }
  for (const [version, value] of before?.known ?? []) {
    if (!known.get(version)?.equals(value)) complaints.push(`${version} cannot be given back`)
  }
  const left = found.filter((one) => !reference.names.has(one))
  if (left.length > 0) complaints.push(`${left.join(', ')} is left`)
  if (!isDeepStrictEqual(content, before?.content)) complaints.push('rows of the database differ')
  return complaints
}

/** What an operator was told, if it came to that. */
function said(stdout: string): Readonly<Record<string, number>> {
  return stdout === '' ? {} : JSON.parse(stdout)
}

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function runWorker(lane: Lane, scenario: Scenario, point?: FaultPoint): Promise<Ended> {
  const { log, folder } = lane
  const [program = '', ...args] = [...traced(log, point), ...workerCommand(folder, scenario)]
  const { PATH = '' } = process.env
  // Calls are counted by thread; libuv has one for all of them then.
  const env = { PATH, UV_THREADPOOL_SIZE: '1', NODE_COMPILE_CACHE: join(tmpdir(), 'rekeyd-cache') }
  const options = { env, timeout: patience, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    const child = execFile(program, args, options, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}
