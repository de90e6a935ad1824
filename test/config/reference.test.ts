import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { catalogs } from '../../src/config/catalogs.ts'
import { reference } from '../../src/config/reference.ts'

const path = join(import.meta.dirname, '../../deploy/examples/reference.yaml')

describe('deploy/examples/reference.yaml', () => {
  const text = readFileSync(path, 'utf8')

  it('is up to date', () => {
    assert.equal(text, reference(), 'stale: run node24 tools/write-reference.js')
  })

  it('is YAML that names everything in the catalogs', () => {
    const { consumers, materials } = parse(text) as {
      consumers: Record<string, object>
      materials: Record<string, Record<string, object[]>>
    }
    const all = materials['every-material'] ?? {}
    const keysOf = (list: (object | string)[] = []) =>
      list.flatMap((item) => (typeof item === 'string' ? item : Object.keys(item)))
    assert.deepEqual(keysOf(all['targets']), Object.keys(catalogs.targets))
    assert.deepEqual(keysOf(all['verify']), Object.keys(catalogs.verifiers))
    for (const type of Object.keys(catalogs.consumers)) assert.ok(consumers[`reached-by-${type}`])
    for (const type of Object.keys(catalogs.kinds)) assert.ok(materials[`of-kind-${type}`])
    for (const type of Object.keys(catalogs.schedules))
      assert.match(text, new RegExp(`\\b${type}\\b`))
  })

  it('says of every option what it does', () => {
    const silent = text.split('\n').filter((line) => /^[ #-]*[a-z_]+: ?…?$/.test(line))
    assert.deepEqual(
      silent.filter((line) => !/^ *-? *(?:# or )?\w+:$/.test(line)),
      [],
    )
  })
})
