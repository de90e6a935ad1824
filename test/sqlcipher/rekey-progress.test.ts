import assert from 'node:assert/strict'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { progressOf } from '../../src/sqlcipher/rekey-progress.ts'

const size = 100_000

describe('the progress of a re-encryption', () => {
  let folder: string
  let look: ReturnType<typeof progressOf>
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-progress-'))
    look = progressOf(join(folder, 'qpc.db'), 'r1')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const staged = (suffix: string) => join(folder, `.qpc.db.rekeyd-r1.${suffix}`)
  const grow = async (suffix: string, bytes: number) => {
    await writeFile(staged(suffix), '')
    await truncate(staged(suffix), bytes)
  }
  const seen = async (copy: number, journal?: number) => {
    await grow('new', copy)
    if (journal === undefined) await rm(staged('new-journal'), { force: true })
    else await grow('new-journal', journal)
    const { doing, done, total } = look() ?? {}
    return [doing, done, total]
  }

  it('is unknown before there is a copy', async () => {
    assert.equal(look(), undefined)
    await grow('old', size)
    assert.equal(look(), undefined)
  })

  it('counts each page half when it is copied, and half when its key changes', async () => {
    await grow('old', size)
    assert.deepEqual(await seen(0, 512), ['re-encrypting', 0, size])
    assert.deepEqual(await seen(50_000, 1_024), ['re-encrypting', 25_000, size])
    assert.deepEqual(await seen(size, 1_024), ['re-encrypting', 50_000, size])
    assert.deepEqual(await seen(size, 60_000), ['re-encrypting', 80_000, size])
    assert.deepEqual(await seen(size, 100_700), ['re-encrypting', size, size])
    assert.deepEqual(await seen(size), ['proving', size, size])
  })

  it('takes a copy that is smaller, without the free pages, for whole once its key changes', async () => {
    await grow('old', size)
    assert.deepEqual(await seen(20_000, 1_024), ['re-encrypting', 10_000, size])
    assert.deepEqual(await seen(20_000, 10_000), ['re-encrypting', 75_000, size])
    assert.deepEqual(await seen(20_000), ['proving', size, size])
  })

  it('never goes back', async () => {
    await grow('old', size)
    await seen(80_000)
    assert.deepEqual(await seen(10_000), ['re-encrypting', 40_000, size])
  })
})
