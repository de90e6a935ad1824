import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

/** Each file is a config, a line `-- stderr --`, and what the operator reads. */
const folder = join(import.meta.dirname, 'bad-configs')
const options = { path: 'rekeyd.yaml', now: Date.parse('2026-11-22T00:00:00Z') }

describe('a bad config', () => {
  for (const file of readdirSync(folder)) {
    it(`is explained: ${file}`, async () => {
      const [config = '', stderr] = readFileSync(join(folder, file), 'utf8').split('-- stderr --\n')
      await assert.rejects(parseConfig(Buffer.from(config), options), (error) => {
        assert.ok(error instanceof OperatorError, String(error))
        assert.equal(error.kind, 'config')
        assert.equal(`error: ${error.message}\nhint: ${error.hint}\n`, stderr)
        return true
      })
    })
  }
})
