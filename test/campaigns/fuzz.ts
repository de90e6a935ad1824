import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Campaign, CampaignOptions } from './campaign.ts'
import { certificates } from './fuzz/certificates.ts'
import { config } from './fuzz/config.ts'
import { dockerReplies } from './fuzz/docker.ts'
import { env } from './fuzz/env.ts'
import type { FuzzClass } from './fuzz/fuzz-class.ts'
import { huge } from './fuzz/huge.ts'
import { hunt } from './fuzz/hunt.ts'
import { json } from './fuzz/json.ts'
import { paths } from './fuzz/paths.ts'
import { programs } from './fuzz/programs.ts'
import { store } from './fuzz/store.ts'
import { toml } from './fuzz/toml.ts'
import { Watchdog } from './fuzz/watchdog.ts'
import { withoutSync } from './fuzz/without-sync.ts'
import { yaml } from './fuzz/yaml.ts'

const classes: readonly FuzzClass[] = [
  config,
  certificates,
  env,
  toml,
  yaml,
  json,
  paths,
  huge,
  store,
  dockerReplies,
  programs,
]

/** Whose turn it is, so that a seed alone repeats a case: of as many cases in a row, each class has its share. */
const turns = classes.flatMap((one) => Array.from({ length: one.share }, () => one))

/**
 * Bad input at every way in: nothing crashes, hangs, leaks, or touches what is not its own; targets are wholly old
 * or wholly new; and what is written means the same to readers that are not ours. The admin API has a campaign
 * of its own, and so has the audit log.
 */
export const campaign: Campaign = {
  name: 'fuzz',
  slice: 1_000,
  nightly: 100_000,
  needs: [],
  parts: Object.fromEntries(
    classes.map((one) => [
      one.name,
      {
        name: `fuzz/${one.name}`,
        slice: one.share * 5,
        nightly: one.share * 500,
        needs: [],
        run: (options) => run(`fuzz/${one.name}`, options, () => one),
      },
    ]),
  ),
  run: (options) => run('fuzz', options, (seed) => turns[seed % turns.length]),
}

async function run(
  name: string,
  { cases, seed, report, note }: CampaignOptions,
  classOf: (seed: number) => FuzzClass | undefined,
): Promise<void> {
  const seeds = Array.from({ length: cases }, (_, index) => seed + index)
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-fuzz-'))
  const watchdog = new Watchdog(`npm run campaign -- ${name}`)
  const sync = await withoutSync()
  try {
    for (const [one, its] of Map.groupBy(seeds, classOf)) {
      if (one) await hunt(one, { seeds: its, folder, watchdog, report, note })
    }
  } finally {
    sync()
    await watchdog.end()
    rmSync(folder, { recursive: true, force: true })
  }
}
