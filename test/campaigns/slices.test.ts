import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { needs } from '../support/parts.ts'
import type { Campaign } from './campaign.ts'

/** Campaigns are the files of one word; what they are made of has a hyphen, or a folder. */
const files = readdirSync(import.meta.dirname)
  .filter((file) => /^[a-z]+\.ts$/.test(file) && file !== 'campaign.ts')
  .toSorted()
const campaigns = await Promise.all(
  files.map(async (file) => {
    const path = join(import.meta.dirname, file)
    return ((await import(path)) as { readonly campaign: Campaign }).campaign
  }),
)

describe('the slice of each campaign', () => {
  for (const campaign of campaigns) {
    const { name, slice: cases, sliceSeed } = campaign
    it(`finds no violation in ${cases} cases of ${name}`, {
      ...needs(...campaign.needs),
      timeout: 1_200_000,
    }, async (t) => {
      const seed = sliceSeed ?? Math.floor(Math.random() * 1e9)
      const violations: string[] = []
      const report = (violation: string, its = seed) => violations.push(`seed ${its}: ${violation}`)
      const note = (figure: string) => t.diagnostic(figure)
      await campaign.run({ cases, seed, report, note })
      const command = `npm run campaign -- ${name} --cases ${cases} --seed ${seed}`
      assert.deepEqual(violations, [], `repeat it with: ${command}`)
    })
  }
})
