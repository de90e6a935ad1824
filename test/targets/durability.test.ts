import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { SecretBytes } from '../../src/model/secret-bytes.ts'
import { file } from '../../src/targets/file.ts'
import { fileSet } from '../../src/targets/file-set.ts'
import type { Move, Target } from '../../src/targets/target.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { targetContext } from '../support/file-place.ts'
import { testEdition } from '../support/test-edition.ts'

const signal = new AbortController().signal
const move: Move = { rotation: 'r1', edition: testEdition(1, { key: 'new', cert: 'cert' }) }

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-durable-'))
  path = join(folder, 'live')
})
afterEach(() => rm(folder, { recursive: true }))

/** What the work does to the disk, but for making files and giving them to somebody. */
async function effectsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  using disk = await RecordedDisk.record()
  await work()
  return disk.log.filter((effect) => /^(write|sync|rename)/.test(effect))
}

async function put(target: Target): Promise<SecretBytes> {
  const held = await target.stage(move, signal)
  await target.activate(move, held, signal)
  return held
}

describe('the order in which a file reaches the disk', () => {
  const target = () => file.create(file.schema.parse({ path, part: 'key' }), targetContext)

  it('is written, synced, switched, and its folder synced', async () => {
    await writeFile(path, 'old')
    const effects = (await effectsOf(() => put(target()))).map(withoutTag)
    assert.deepEqual(effects, [
      'write .live.rekeyd-r1-*.part',
      'sync .live.rekeyd-r1-*.part',
      'rename .live.rekeyd-r1-*.part .live.rekeyd-r1-*',
      'rename .live.rekeyd-r1-* live',
      `sync ${basename(folder)}`,
    ])
  })

  it('ends with its folder, too, where a crash came right after the switch', async () => {
    const held = await put(target())
    const effects = await effectsOf(() => target().activate(move, held, signal))
    assert.deepEqual(effects, [`sync ${basename(folder)}`])
  })

  it('ends with its folder when the file is taken away', async () => {
    const held = await put(target())
    const effects = await effectsOf(() => target().withdraw(move, held, signal))
    assert.deepEqual(effects, [`sync ${basename(folder)}`])
  })
})

describe('the order in which a set of files reaches the disk', () => {
  const files = { 'key.pem': { part: 'key' }, 'cert.pem': { part: 'cert' } }
  const target = () => fileSet.create(fileSet.schema.parse({ path, files }), targetContext)

  it('is the files, their folder, what is carried over, and then the link', async () => {
    await mkdir(join(folder, 'v0'))
    await writeFile(join(folder, 'v0/notes'), 'notes')
    await symlink('v0', path)
    const effects = await effectsOf(() => put(target()))
    const generation = '.live.rekeyd-1-r1'
    const written = (name: string) => [
      `write ${name}.part`,
      `sync ${name}.part`,
      `rename ${name}.part ${name}`,
    ]
    assert.deepEqual(effects, [
      ...written('key.pem'),
      ...written('cert.pem'),
      `sync ${generation}.part`,
      `rename ${generation}.part ${generation}`,
      `sync ${basename(folder)}`,
      ...written('notes'),
      `sync ${generation}`,
      'rename .live.rekeyd-link live',
      `sync ${basename(folder)}`,
    ])
    assert.equal(await readFile(join(path, 'notes'), 'utf8'), 'notes')
  })

  it('never lacks its link', async () => {
    await put(target())
    using disk = await RecordedDisk.record()
    disk.fail('rename .live.rekeyd-link live')
    const next = { rotation: 'r2', edition: testEdition(2, { key: 'newer', cert: 'cert' }) }
    const held = await target().stage(next, signal)
    await assert.rejects(target().activate(next, held, signal), /EIO/)
    assert.equal(await readFile(join(path, 'key.pem'), 'utf8'), 'new')
  })
})

/** The state of the live file is part of the name of a staged one. */
function withoutTag(effect: string): string {
  return effect.replace(/r1-[0-9a-z]+/g, 'r1-*')
}
