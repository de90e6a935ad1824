import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { presets } from '../../src/init/catalog.ts'
import { type Survey, surveyHost } from '../../src/init/init.ts'
import { hosts } from './hosts.ts'
import { now, type ScratchHost } from './scratch-host.ts'

const configPath = '/etc/rekeyd/rekeyd.yaml'
const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'

for (const preset of Object.keys(presets)) {
  describe(`rekeyd init ${preset}`, () => {
    const golden = join(import.meta.dirname, 'golden', `${preset}.yaml`)
    let host: ScratchHost
    let survey: Survey
    let hashBefore: string
    /** The config as it would be on the host itself. */
    const onHost = (text: string) => text.replaceAll(host.root, '')
    const load = (text: string) => parseConfig(Buffer.from(text), { path: configPath, now })

    before(async () => {
      host = await hosts[preset]!()
      hashBefore = treeHash(host.root)
      survey = await surveyHost({ preset, root: host.root, configPath, now })
    })
    after(() => host.remove())

    it(`writes what golden/${preset}.yaml says (REKEYD_WRITE_GOLDEN=1 writes it)`, () => {
      const text = onHost(survey.text([]))
      if (process.env['REKEYD_WRITE_GOLDEN']) writeFileSync(golden, text)
      assert.equal(text, readFileSync(golden, 'utf8'))
    })

    it(`is a valid config for ${preset}, with a recipient and without`, async () => {
      const config = await load(survey.text([]))
      assert.deepEqual(
        config.materials.map(({ name }) => name),
        survey.materials.map(({ name }) => name),
      )
      const { recipients, backup } = await load(survey.text([recipient]))
      assert.deepEqual([recipients, backup?.to], [[recipient], '/var/backups/rekeyd'])
      assert.equal((await load(onHost(survey.text([])))).materials.length, config.materials.length)
    })

    it(`has at most ten lines for a material of ${preset}, and spreads their first dates`, () => {
      const [, materials = ''] = survey.text([]).split('\nmaterials:\n')
      for (const block of materials.trimEnd().split('\n\n')) {
        const lines = block.split('\n').filter((line) => !line.startsWith('  #'))
        assert.ok(lines.length <= 10, block)
      }
      const dates = survey.materials.flatMap(({ date }) => date ?? [])
      assert.equal(new Set(dates).size, dates.length)
      assert.ok(dates.every((date) => date >= '2027-01-08'))
    })

    it(`changes nothing that is ${preset}'s, and names only what is there`, () => {
      assert.equal(treeHash(host.root), hashBefore)
      for (const { where } of survey.found) assert.ok(existsSync(host.path(where)), where)
    })
  })
}

/** Names, modes, times and contents of everything. */
function treeHash(root: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted()) {
    const path = join(root, name)
    const { mode, mtimeMs, ino } = lstatSync(path)
    hash.update(`${name} ${mode} ${mtimeMs} ${ino}\n`)
    if (lstatSync(path).isFile()) hash.update(readFileSync(path))
    if (lstatSync(path).isSymbolicLink()) hash.update(readlinkSync(path))
  }
  return hash.digest('hex')
}
