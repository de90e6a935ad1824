import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { mutants } from './table.ts'

const root = join(import.meta.dirname, '../..')
const sourceOf = (file: string) => readFileSync(join(root, 'src', file), 'utf8')

describe('the table of mutants', () => {
  it('has a name of its own for each', () => {
    const names = mutants.map(({ name }) => name)
    assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted())
  })

  it('finds the place of each exactly once', () => {
    const lost = mutants.filter(({ file, find }) => sourceOf(file).split(find).length !== 2)
    assert.deepEqual(
      lost.map(({ name, file }) => `${name} in ${file}`),
      [],
    )
  })

  it('changes it, to something that is TypeScript still', () => {
    for (const { name, file, find, replace } of mutants) {
      const source = sourceOf(file)
      const mutated = source.replace(find, () => replace)
      assert.notEqual(mutated, source, name)
      assert.doesNotThrow(() => stripTypeScriptTypes(mutated), name)
    }
  })

  it('names tests that exist', () => {
    for (const { name, tests } of mutants) {
      assert.ok(tests.length > 0, name)
      for (const test of tests) assert.ok(existsSync(join(root, 'test', `${test}.test.ts`)), test)
    }
  })
})
