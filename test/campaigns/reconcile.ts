import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Campaign, type CampaignOptions, SeededRandom } from './campaign.ts'
import * as drift from './reconcile/drift.ts'
import { grow, type History, killWithin } from './reconcile/history.ts'
import { Host } from './reconcile/host.ts'
import { Judge } from './reconcile/judge.ts'
import * as killed from './reconcile/killed.ts'
import { playRefusal, refusals } from './reconcile/refusals.ts'
import { buildProgram } from './reconcile/rekeyd-process.ts'
import { extents, playRestored, playTakenOver } from './reconcile/restored.ts'
import type { VersionRow } from './reconcile/store-rows.ts'
import { replaceWith } from './reconcile/tree.ts'

/** In which state a mishap meets a host: never started, stopped, killed in a rotation, or one of these two. */
type Base = 'fresh' | 'grown' | 'killed' | 'grown or killed'

/** Something that a start finds otherwise than it was left. */
interface Mishap {
  readonly base: Base
  readonly play: (judge: Judge) => Promise<void>
  /** Whether the store itself stays: then nothing in it may be lost. */
  readonly keepsStore: boolean
}

const kept = (base: Base, play: Mishap['play']): Mishap => ({ base, play, keepsStore: true })
const lost = (play: Mishap['play']): Mishap => ({
  base: 'grown or killed',
  play,
  keepsStore: false,
})

const mishaps: Readonly<Record<string, Mishap>> = {
  'a lost rename': kept('grown', drift.lostRename),
  'an old value put back': kept('grown', drift.putBack),
  'half a generation': kept('grown', drift.halfGeneration),
  'a foreign edit': kept('grown', drift.foreignEdit),
  'a file that is gone': kept('grown', drift.removed),
  'a spoilt file': kept('grown', drift.spoilt),
  'a folder that is gone': kept('grown', drift.unmounted),
  'places that disagree at first': { ...lost(drift.disagreement), base: 'fresh' },
  'a kill': kept('killed', killed.playKilled),
  'a kill, and the old values back': kept('killed', killed.playKilledPutBack),
  'a kill, and a foreign edit': kept('killed', killed.playKilledEdited),
  'a kill, and a file that is gone': kept('killed', killed.playKilledRemoved),
  ...Object.fromEntries(
    extents.map((extent) => [`an older ${extent}`, lost((judge) => playRestored(judge, extent))]),
  ),
  'another machine, taken over': kept('grown or killed', playTakenOver),
  ...Object.fromEntries(
    Object.keys(refusals).map((name) => [name, lost((judge) => playRefusal(judge, name))]),
  ),
}
const names = Object.keys(mishaps)
/** So many mishaps happen to the same host, to a copy of it each time. */
const block = 20

/**
 * Hosts with a history, something that happens to them while rekeyd does not run, and the next start of the
 * real program: each mishap has an answer and an exit code of its own, and none of them costs a value.
 */
export const campaign: Campaign = {
  name: 'reconcile',
  slice: 40,
  // Open: a start removes the generation of a set whose link is gone, and what leaked is forgotten by a copy of the
  // store that lacks its row. test/README.md has the seeds.
  sliceSeed: 0,
  nightly: 2_000,
  needs: [],
  async run(options) {
    const { cases, seed, note } = options
    // One after the other: in as many cases as there are kinds, each kind happens.
    const seeds = Array.from({ length: cases }, (_, index) => seed + index)
    const blocks = Map.groupBy(seeds, (its) => Math.floor(its / block))
    const seen = new Set<string>()
    const queue = blocks.entries()
    const root = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-reconcile-'))
    try {
      const program = buildProgram(root)
      const lanes = Array.from({ length: 3 }, async () => {
        for (const [number, its] of queue) {
          const folder = mkdtempSync(join(root, 'host-'))
          await oneHost(folder, program, number, its, (name) => seen.add(name), options)
          rmSync(folder, { recursive: true, force: true })
        }
      })
      await Promise.all(lanes)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
    note(`${seen.size} of ${names.length} mishaps, on ${blocks.size} hosts`)
  },
}

async function oneHost(
  folder: string,
  program: string,
  number: number,
  seeds: readonly number[],
  saw: (name: string) => void,
  { report }: CampaignOptions,
): Promise<void> {
  const at = (name: string) => join(folder, name)
  mkdirSync(at('host'))
  const host = new Host(at('host'), new SeededRandom(number), program)
  const save = (base: string) => replaceWith(at('host'), at(base))
  await host.install()
  save('fresh')
  const grown = await grow(host)
  save('grown')
  const history: History = { ...grown, ...(await killWithin(host)) }
  save('killed')
  for (const seed of seeds) {
    const name = names[seed % names.length] ?? ''
    const mishap = mishaps[name]
    if (!mishap) continue
    host.random = new SeededRandom(seed)
    const base = pickBase(mishap, host.random)
    const say = (violation: string) => report(`${name} (${base}): ${violation}`, seed)
    replaceWith(at(base), at('host'))
    await oneMishap(mishap, host, new Judge(host, history, say))
    saw(name)
  }
}

function pickBase({ base }: Mishap, random: SeededRandom): string {
  return base === 'grown or killed' ? random.pick(['grown', 'grown', 'killed']) : base
}

async function oneMishap(mishap: Mishap, host: Host, judge: Judge): Promise<void> {
  try {
    const before: readonly VersionRow[] = mishap.keepsStore ? host.rows() : []
    await mishap.play(judge)
    await host.stop()
    if (mishap.keepsStore) judge.expectNothingLost(before)
  } catch (error) {
    judge.say(error instanceof Error ? String(error.stack) : String(error))
  } finally {
    await host.stop()
  }
}
