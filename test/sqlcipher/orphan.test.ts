import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildDatabase, genuineOpens, newKey } from '../support/databases.ts'

describe('the child of a rekeyd that was killed', () => {
  const [previous, next] = [newKey('raw'), newKey('raw')]
  let folder: string
  let path: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-orphan-'))
    path = join(folder, 'qpc.db')
    buildDatabase(path, { key: previous, rows: 100_000 })
  })
  after(() => rm(folder, { recursive: true }))

  it('ends at once, so that the consumer can start again, and leaves the old key', async () => {
    const hex = [previous, next].map(({ bytes }) => bytes.toString('hex'))
    const parent = spawn(
      process.execPath,
      [join(import.meta.dirname, 'rekey-parent.ts'), path, ...hex],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    while (!existsSync(join(folder, '.qpc.db.rekeyd-r1.new'))) await sleep(5)
    const [child, ...others] = childrenOn(path)
    assert.ok(child)
    assert.deepEqual(others, [])
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    const limit = AbortSignal.timeout(300)
    while (runs(child)) {
      assert.equal(limit.aborted, false, 'it still runs 300 ms later')
      await sleep(10)
    }
    assert.equal(genuineOpens(path, { key: previous }), true)
  })
})

/** The folders in /proc of the processes that rekey this database. */
function childrenOn(path: string): readonly string[] {
  return globSync('/proc/[0-9]*').filter((process) => {
    const words = readIfThere(`${process}/cmdline`)
    return words.includes('rekey-child') && words.includes(path)
  })
}

/**
 * Whether it still has files open, and so holds locks: a process loses its command line before them, and
 * its first thread may have ended before the last.
 */
function runs(process: string): boolean {
  return globSync(`${process}/task/*/stat`).some((thread) => {
    const stat = readIfThere(thread)
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0]
    return state !== undefined && state !== 'Z'
  })
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
