import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readSmallFile } from '../../src/support/small-file.ts'

describe('a small file', () => {
  it('is read at once, and nothing that is large or waits for a writer', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-small-'))
    const path = join(folder, 'file')
    try {
      writeFileSync(path, 'content')
      assert.equal(readSmallFile(path).toString(), 'content')
      truncateSync(path, 10 * 1024 ** 3)
      assert.throws(() => readSmallFile(path), /file is too large$/)
      assert.throws(() => readSmallFile(folder), /is not a regular file$/)
      const pipe = join(folder, 'pipe')
      execFileSync('mkfifo', [pipe])
      assert.throws(() => readSmallFile(pipe), /pipe is not a regular file$/)
      assert.throws(() => readSmallFile(join(folder, 'absent')), { code: 'ENOENT' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
