import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { env } from '../../src/targets/env.ts'
import { targetContext } from '../support/file-place.ts'
import { needs } from '../support/parts.ts'
import { testEdition } from '../support/test-edition.ts'

const signal = new AbortController().signal
const before = 'A=1\nTOKEN=old\nB=2\n'
const after = 'A=1\nTOKEN=new\nB=2\n'

/** Every call with which a rotation changes something. */
const calls = ['rename', 'renameat', 'renameat2', 'fsync', 'fchown', 'fchmod', 'unlink', 'unlinkat']

const script = `
  import { env } from '${import.meta.resolve('../../src/targets/env.ts')}'
  import { targetContext } from '${import.meta.resolve('../support/file-place.ts')}'
  import { testEdition } from '${import.meta.resolve('../support/test-edition.ts')}'
  const target = env.create(env.schema.parse({ path: process.argv[1], key: 'TOKEN', dialect: 'systemd' }), targetContext)
  const signal = new AbortController().signal
  const move = { rotation: 'r', edition: testEdition(1, 'new') }
  try {
    await target.activate(move, await target.stage(move, signal), signal)
  } catch (error) {
    console.log(error.message)
    process.exitCode = 3
  }`

function rotate(path: string, fault: string) {
  const node = [process.execPath, '--input-type=module', '-e', script, path]
  const trace = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    `trace=${calls.join(',')}`,
    '-e',
    `inject=${fault}`,
  ]
  return spawnSync('strace', [...trace, ...node], {
    // Calls are counted by thread; libuv has one for all of them then.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    encoding: 'utf8',
  })
}

async function inFolder<T>(run: (path: string, folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-crash-'))
  try {
    await writeFile(join(folder, 'env'), before, { mode: 0o600 })
    return await run(join(folder, 'env'), folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** @returns what a killed rotation left, before it is begun again; undefined once it was not killed any more */
async function killAt(fault: string): Promise<string | undefined> {
  return inFolder(async (path, folder) => {
    if (rotate(path, fault).status === 0) return undefined
    const found = await readFile(path, 'utf8')
    const options = env.schema.parse({ path, key: 'TOKEN', dialect: 'systemd' })
    const target = env.create(options, targetContext)
    const move = { rotation: 'r', edition: testEdition(1, 'new') }
    await target.activate(move, await target.stage(move, signal), signal)
    await target.tidy(signal)
    assert.equal(await readFile(path, 'utf8'), after)
    assert.deepEqual(await readdir(folder), ['env'])
    return found
  })
}

describe('a target that is killed', needs('strace'), () => {
  it('is wholly old or wholly new, and the same rotation goes on', async () => {
    const found: string[] = []
    for (const call of calls) {
      for (let count = 1; ; count += 1) {
        const content = await killAt(`${call}:signal=KILL:when=${count}`)
        if (content === undefined) break
        found.push(content)
      }
    }
    assert.ok(found.length >= 5, `${found.length} points`)
    assert.deepEqual(new Set(found), new Set([before, after]))
  })

  it('fails and leaves nothing when the disk does, at any sync before the switch', async () => {
    await inFolder(async (path, folder) => {
      const { status, stdout } = rotate(path, 'fsync:error=EIO:when=1')
      assert.equal(status, 3)
      assert.match(stdout, /^cannot write .*: i\/o error \(EIO\)$/m)
      assert.equal(await readFile(path, 'utf8'), before)
      assert.deepEqual(await readdir(folder), ['env'])
    })
  })
})
