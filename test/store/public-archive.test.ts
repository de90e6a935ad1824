import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { archivePublic } from '../../src/store/public-archive.ts'

describe('the public archive', () => {
  let stateDir: string
  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'rekeyd-archive-'))
  })
  afterEach(() => rmSync(stateDir, { recursive: true }))

  it('keeps each version in a plain file, as often as asked, and never another in its place', () => {
    const version = { material: 'signing-key', number: 3 }
    const path = archivePublic(stateDir, version, 'public_key.pem', Buffer.from('one'))
    assert.equal(path, join(stateDir, 'public', 'signing-key', '3-public_key.pem'))
    archivePublic(stateDir, version, 'public_key.pem', Buffer.from('one'))
    assert.throws(() => archivePublic(stateDir, version, 'public_key.pem', Buffer.from('two')), {
      kind: 'needs-attention',
    })
    assert.equal(readFileSync(path, 'utf8'), 'one')
  })
})
