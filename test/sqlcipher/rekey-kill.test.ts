import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { sqlcipher } from '../../src/targets/sqlcipher.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { buildDatabase, contentOf, genuineOpens, newKey } from '../support/databases.ts'

const runs = 20
const never = new AbortController().signal

describe('a rekeying that is killed', () => {
  const keys = [newKey('raw'), newKey('raw')] as const
  const editions = keys.map(({ bytes }, index) =>
    fakeEdition(bytes.toString('hex'), { number: index + 1, attributes: { form: 'raw' } }),
  )
  let folder: string
  let master: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-kill-'))
    master = join(folder, 'master.db')
    buildDatabase(master, { key: keys[0], rows: 4_000 })
  })
  after(() => rm(folder, { recursive: true }))

  /** Runs the child as rekeyd does and kills it after `delay`. @returns milliseconds that it ran */
  const rekeyFor = async (path: string, delay: number) => {
    const task = { path, cipher: 4, forms: { next: 'raw', previous: 'raw' }, tag: 'r1' }
    const request = { parent: process.pid, secrets: ['next', 'previous'], task }
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../src/sqlcipher/rekey-child.ts'), JSON.stringify(request)],
      { stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'] },
    )
    const started = performance.now()
    for (const [descriptor, { bytes }] of [
      [3, keys[1]],
      [4, keys[0]],
    ] as const) {
      // Killed before it read its keys, it breaks the pipe.
      child.stdio[descriptor]?.on('error', () => {})
      ;(child.stdio[descriptor] as NodeJS.WritableStream).end(bytes)
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), delay)
    await once(child, 'exit')
    clearTimeout(timer)
    return performance.now() - started
  }

  it('leaves the database wholly under one key, with every row, and can be brought to an end', async (t) => {
    const path = join(folder, 'qpc.db')
    const target = sqlcipher.create(
      { path, cipher: 4 },
      {
        material: 'db-key',
        stateDir: join(folder, 'state'),
        storeKey: { credential: 'store-key' },
        editionOf: async () => undefined,
      },
    )
    const [first, second] = editions as [(typeof editions)[0], (typeof editions)[0]]
    const fresh = async () => {
      for (const name of await readdir(folder)) {
        if (name.includes('qpc.db')) await rm(join(folder, name))
      }
      for (const suffix of ['', '-wal']) await copyFile(master + suffix, path + suffix)
    }
    await fresh()
    const whole = await rekeyFor(path, 60_000)
    const wanted = contentOf(path, { key: keys[1] })
    let old = 0
    for (let run = 0; run < runs; run += 1) {
      await fresh()
      // From the first statements to well after the usual end.
      const delay = whole * (0.15 + (1.35 * (run + Math.random())) / runs)
      await rekeyFor(path, delay)
      const opens = keys.map((key) => genuineOpens(path, { key }))
      assert.deepEqual(opens.filter(Boolean), [true], 'exactly one key opens it')
      if (opens[0]) old += 1
      assert.deepEqual(contentOf(path, { key: keys[opens[0] ? 0 : 1] }), wanted)
      const found = await target.inspect(editions, never)
      assert.deepEqual(found, { holds: 'version', number: opens[0] ? 1 : 2 })
      const move = { rotation: 'r1', edition: second, previous: first }
      const held = await target.stage(move, never)
      await target.activate(move, held, never)
      await target.tidy(never)
      assert.deepEqual(contentOf(path, { key: keys[1] }), wanted)
      assert.deepEqual((await readdir(folder)).toSorted(), ['master.db', 'master.db-wal', 'qpc.db'])
    }
    t.diagnostic(`${old} of ${runs} runs ended under the old key`)
    assert.ok(old > 0 && old < runs)
  })
})
