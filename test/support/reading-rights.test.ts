import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { impassable, mayRead } from '../../src/support/reading-rights.ts'

describe('who may read what', () => {
  const own = { uid: 7, gid: 70 }

  it('is decided by one triple alone, as the kernel does', () => {
    const owner = { uid: 7, gids: [70] }
    const member = { uid: 8, gids: [9, 70] }
    const other = { uid: 8, gids: [9] }
    const may = (mode: number) =>
      [owner, member, other].map((account) => mayRead({ ...own, mode }, account))
    assert.deepEqual(may(0o400), [true, false, false])
    assert.deepEqual(may(0o040), [false, true, false])
    assert.deepEqual(may(0o004), [false, false, true])
    assert.deepEqual(may(0o044), [false, true, true])
    assert.equal(mayRead({ ...own, mode: 0 }, { uid: 0, gids: [] }), true)
  })

  it('needs every folder on the way, and names the first that is shut', async () => {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'rekeyd-rights-'))
    try {
      mkdirSync(join(folder, 'a/b'), { recursive: true })
      for (const name of ['', 'a', 'a/b']) chmodSync(join(folder, name), 0o711)
      const stranger = { uid: 4_000_000, gids: [] }
      const file = join(folder, 'a/b/key')
      assert.equal(await impassable(file, stranger), undefined)
      chmodSync(join(folder, 'a'), 0o700)
      assert.equal(await impassable(file, stranger), join(folder, 'a'))
      assert.equal(await impassable(file, { uid: 0, gids: [] }), undefined)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
