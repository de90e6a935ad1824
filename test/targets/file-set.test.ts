import assert from 'node:assert/strict'
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileSet } from '../../src/targets/file-set.ts'
import { LiveChanged } from '../../src/targets/target.ts'
import { describeTarget, type TestPlace } from '../contracts/target.ts'
import { snapshotOf, targetContext } from '../support/file-place.ts'
import { testEdition } from '../support/test-edition.ts'

const signal = new AbortController().signal

function placeAt(path: string): TestPlace {
  const files = { 'key.pem': { part: 'key' }, 'cert.pem': { part: 'cert', mode: '0644' } }
  return {
    target: fileSet.create(fileSet.schema.parse({ path, files }), targetContext),
    first: testEdition(1, { key: 'key 1', cert: 'cert 1' }),
    second: testEdition(2, { key: 'key 2', cert: 'cert 2' }),
    snapshot: async () => ({ link: await snapshotOf(path), key: await liveKey(path) }),
    leftovers: async () => {
      const live = await readlink(path).catch(() => '')
      return (await readdir(join(path, '..'))).filter((n) => n.includes('.rekeyd-') && n !== live)
    },
    overwrite: async () => {
      await mkdir(join(path, '../elsewhere'), { recursive: true })
      await unlink(path).catch(() => undefined)
      await symlink('elsewhere', path)
    },
    hide: () => rename(join(path, '..'), `${join(path, '..')}-away`),
  }
}

async function liveKey(path: string) {
  return readFile(join(path, 'key.pem'), 'latin1').catch(() => undefined)
}

describeTarget('file_set, absent', async (folder) => placeAt(join(folder, 'current')))

describeTarget("file_set, a link to the operator's folder", async (folder) => {
  await mkdir(join(folder, 'v0'))
  await writeFile(join(folder, 'v0/key.pem'), 'key 0')
  await symlink('v0', join(folder, 'current'))
  return placeAt(join(folder, 'current'))
})

describe('file_set target', () => {
  it('never shows a key without its certificate, and keeps the previous folder until it tidies', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    const { target, first, second } = placeAt(path)
    for (const edition of [first, second]) {
      const to = { rotation: `r${edition.version.number}`, edition }
      await target.activate(to, await target.stage(to, signal), signal)
    }
    assert.equal(await readFile(join(path, 'cert.pem'), 'utf8'), 'cert 2')
    assert.equal(await readFile(join(folder, '.current.rekeyd-1-r1/key.pem'), 'utf8'), 'key 1')
    assert.equal((await lstat(join(path, 'key.pem'))).mode & 0o777, 0o600)
    assert.equal((await lstat(join(path, 'cert.pem'))).mode & 0o777, 0o644)
    await target.tidy(signal)
    assert.deepEqual((await readdir(folder)).toSorted(), ['.current.rekeyd-2-r2', 'current'])
    await rm(folder, { recursive: true })
  })

  it('takes along what else is kept in the folder, there and back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    await mkdir(join(folder, 'v0'))
    await symlink('v0', path)
    const { target, first, second } = placeAt(path)
    await writeFile(join(path, 'note'), 'of the operator', { mode: 0o640 })
    const move = { rotation: 'r1', edition: first }
    const held = await target.stage(move, signal)
    await target.activate(move, held, signal)
    await writeFile(join(path, 'another'), 'note')
    const next = { rotation: 'r2', edition: second, previous: first }
    await target.activate(next, await target.stage(next, signal), signal)
    const back = { rotation: 'r2-back', edition: first, previous: second }
    await target.activate(back, await target.stage(back, signal), signal)
    await target.withdraw(move, held, signal)
    assert.equal(await readlink(path), 'v0')
    await target.tidy(signal)
    assert.deepEqual((await readdir(path)).toSorted(), ['another', 'note'])
    assert.equal(await readFile(join(path, 'note'), 'utf8'), 'of the operator')
    assert.equal((await lstat(join(path, 'note'))).mode & 0o777, 0o640)
    await rm(folder, { recursive: true })
  })

  it('notices what is written into the live folder between stage and activate', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    const { target, first, second } = placeAt(path)
    const move = { rotation: 'r1', edition: first }
    await target.activate(move, await target.stage(move, signal), signal)
    const next = { rotation: 'r2', edition: second, previous: first }
    for (const name of ['key.pem', 'note']) {
      const held = await target.stage(next, signal)
      await writeFile(join(path, name), 'by hand')
      await assert.rejects(target.activate(next, held, signal), LiveChanged)
      assert.equal(await readFile(join(path, name), 'utf8'), 'by hand')
    }
    await rm(folder, { recursive: true })
  })

  it('does not take what is left of a set for the whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    const { target, first } = placeAt(path)
    const move = { rotation: 'r1', edition: first }
    await target.activate(move, await target.stage(move, signal), signal)
    assert.equal((await target.readParts?.(signal))?.length, 2)
    await unlink(join(path, 'cert.pem'))
    await assert.rejects(async () => target.readParts?.(signal), { message: /lacks cert\.pem/ })
    await unlink(join(path, 'key.pem'))
    assert.deepEqual(await target.readParts?.(signal), [])
    await rm(folder, { recursive: true })
  })

  it('does not take a folder for a link', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    await mkdir(join(folder, 'current'))
    const { target } = placeAt(join(folder, 'current'))
    await assert.rejects(target.check(signal), /is not a symbolic link/)
    await rm(folder, { recursive: true })
  })

  it("refuses a link of somebody's that leads to a file, which could not be given back", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    await writeFile(join(folder, 'notes'), 'of the operator')
    await symlink('notes', path)
    const { target, first } = placeAt(path)
    const refusal = { kind: 'refused', message: `${path} leads to notes, which is no folder` }
    await assert.rejects(target.check(signal), refusal)
    await assert.rejects(target.stage({ rotation: 'r1', edition: first }, signal), refusal)
    const { holds } = await target.inspect([first], signal)
    assert.equal(holds, 'something else')
    assert.deepEqual((await readdir(folder)).toSorted(), ['current', 'notes'])
    await rm(folder, { recursive: true })
  })

  it('gives back a link that led nowhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-set-'))
    const path = join(folder, 'current')
    await symlink('v0', path)
    const { target, first } = placeAt(path)
    const move = { rotation: 'r1', edition: first }
    const held = await target.stage(move, signal)
    await target.activate(move, held, signal)
    assert.equal(await readFile(join(path, 'key.pem'), 'utf8'), 'key 1')
    await target.withdraw(move, held, signal)
    assert.equal(await readlink(path), 'v0')
    await target.tidy(signal)
    assert.deepEqual(await readdir(folder), ['current'])
    await rm(folder, { recursive: true })
  })

  it('refuses names that leave the folder', () => {
    for (const name of ['../x', 'a/b', '', '.hidden', 'x'.repeat(256)]) {
      const files = { [name]: {} }
      assert.equal(fileSet.schema.safeParse({ path: '/x/y', files }).success, false, name)
    }
  })
})
