// Runs one campaign of test/campaigns, or all of them: `npm run campaign -- NAME [--cases N] [--seed S]
// [--nightly]`; some have parts that run alone as NAME/PART. Progress and violations go to stderr; stdout has one line for each campaign, last of all
// `NAME: N cases, V violations`. Exits 1 when there is a violation.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const folder = join(import.meta.dirname, '../test/campaigns')
const names = readdirSync(folder)
  .map((file) => /^([a-z]+)\.ts$/.exec(file)?.[1])
  .filter((name) => name !== undefined && name !== 'campaign')
  .toSorted((a, b) => a.localeCompare(b))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cases: { type: 'string' },
    seed: { type: 'string' },
    nightly: { type: 'boolean', default: false },
  },
})
const [wanted = ''] = positionals
const chosen = wanted === 'all' ? names : names.includes(wanted.split('/')[0]) ? [wanted] : []
const cases = wholeNumber('cases', 1)
const seed = wholeNumber('seed', 0) ?? Math.floor(Math.random() * 1e9)
if (chosen.length === 0 || positionals.length > 1) {
  fail(`name one campaign: ${names.join(', ')}, or all`)
}

for (const name of chosen) await runCampaign(name)
// A campaign that leaves something running must not keep the next night's from starting.
process.exit()

async function runCampaign(name) {
  const [file, part] = name.split('/')
  const { campaign: whole } = await import(join(folder, `${file}.ts`))
  const campaign = part === undefined ? whole : whole.parts?.[part]
  if (!campaign)
    fail(`${file} has the parts ${Object.keys(whole.parts ?? {}).join(', ') || 'none'}`)
  const count = cases ?? (values.nightly ? campaign.nightly : campaign.slice)
  const started = performance.now()
  let violations = 0
  console.error(`${name}: ${count} cases, seed ${seed}`)
  const report = (violation, itsSeed) => {
    violations += 1
    const repeat = itsSeed === undefined ? [count, seed] : [1, itsSeed]
    console.error(`${name}: VIOLATION, seed ${repeat[1]}: ${violation}`)
    console.error(`  npm run campaign -- ${name} --cases ${repeat[0]} --seed ${repeat[1]}`)
  }
  try {
    const note = (figure) => console.error(`${name}: ${figure}`)
    await campaign.run({ cases: count, seed, report, note })
  } catch (error) {
    report(`the campaign itself failed: ${error.stack}`)
  }
  console.error(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
  console.log(`${name}: ${count} cases, ${violations} violations`)
  if (violations > 0) process.exitCode = 1
}

function wholeNumber(name, least) {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least) fail(`--${name} is no such number: ${text}`)
  return number
}

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(2)
}
