import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { file } from '../../src/targets/file.ts'
import { LiveChanged } from '../../src/targets/target.ts'
import { describeTarget, type TestPlace } from '../contracts/target.ts'
import { leftoversBeside, snapshotOf, targetContext } from '../support/file-place.ts'
import { needs } from '../support/parts.ts'
import { testEdition } from '../support/test-edition.ts'

const isRoot = process.getuid?.() === 0

function placeAt(path: string, options: object = {}): TestPlace {
  return {
    target: file.create(file.schema.parse({ path, ...options }), targetContext),
    first: testEdition(1, 'first'),
    second: testEdition(2, Buffer.from([0, 255, 10, 13])),
    snapshot: () => snapshotOf(path),
    leftovers: () => leftoversBeside(path),
    overwrite: () => writeFile(path, "an operator's", { mode: 0o600 }),
    hide: () => rename(join(path, '..'), `${join(path, '..')}-away`),
  }
}

describeTarget('file, absent', async (folder) => placeAt(join(folder, 'key')))

describeTarget('file, present with an owner and a mode of its own', async (folder) => {
  const path = join(folder, 'key')
  await writeFile(path, "the operator's\n")
  await chmod(path, 0o640)
  if (isRoot) await chown(path, 1, 2)
  return placeAt(path)
})

describeTarget('file, present with another owner and mode than configured', async (folder) => {
  const path = join(folder, 'key')
  await writeFile(path, "the operator's\n")
  await chmod(path, 0o640)
  return placeAt(path, { mode: '0600', ...(isRoot && { owner: 'daemon', group: 2 }) })
})

describe('file target', () => {
  const signal = new AbortController().signal
  const folders: string[] = []
  let folder = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-file-'))
    folders.push(folder)
  })
  after(async () => {
    for (const path of folders) await rm(path, { recursive: true, force: true })
  })

  it('gives back what was there, but not the mode where somebody has changed that since', async () => {
    const path = join(folder, 'key')
    for (const [options, mode] of [
      [{}, 0o600],
      [{ mode: '0644' }, 0o640],
    ] as const) {
      await writeFile(path, 'before')
      await chmod(path, 0o640)
      const { target, first } = placeAt(path, options)
      const move = { rotation: 'r1', edition: first }
      const held = await target.stage(move, signal)
      await target.activate(move, held, signal)
      await chmod(path, 0o600)
      await target.withdraw(move, held, signal)
      assert.equal(await readFile(path, 'utf8'), 'before')
      assert.equal((await lstat(path)).mode & 0o777, mode)
    }
  })

  it('replaces the file behind a link, and the link stays a link', async () => {
    await mkdir(join(folder, 'real'))
    await writeFile(join(folder, 'real/key'), 'old')
    await symlink('real/key', join(folder, 'link'))
    const { target, first } = placeAt(join(folder, 'link'))
    const to = { rotation: 'r', edition: first }
    await target.activate(to, await target.stage(to, signal), signal)
    assert.ok((await lstat(join(folder, 'link'))).isSymbolicLink())
    assert.equal(await readFile(join(folder, 'real/key'), 'utf8'), 'first')
    assert.equal(target.place.path, placeAt(join(folder, 'real/key')).target.place.path)
  })

  it('keeps owner, group and mode of the file that it replaces', async () => {
    const path = join(folder, 'key')
    await writeFile(path, 'old')
    await chmod(path, 0o640)
    if (isRoot) await chown(path, 1, 2)
    const { uid, gid } = await lstat(path)
    const { target, first } = placeAt(path)
    const to = { rotation: 'r', edition: first }
    await target.activate(to, await target.stage(to, signal), signal)
    const now = await lstat(path)
    assert.deepEqual([now.uid, now.gid, now.mode & 0o777], [uid, gid, 0o640])
    assert.equal(await readFile(path, 'utf8'), 'first')
  })

  it('is for its owner alone where there was none', async () => {
    const path = join(folder, 'key')
    const { target, first } = placeAt(path)
    const to = { rotation: 'r', edition: first }
    await target.activate(to, await target.stage(to, signal), signal)
    assert.equal((await lstat(path)).mode & 0o777, 0o600)
  })

  it('switches nothing where the live file is not what the record of it says', async () => {
    const path = join(folder, 'key')
    await writeFile(path, 'old', { mode: 0o600 })
    const { target, first } = placeAt(path)
    const to = { rotation: 'r', edition: first }
    const held = await target.stage(to, signal)
    await writeFile(path, 'edited')
    await target.stage(to, signal)
    await assert.rejects(target.activate(to, held, signal), LiveChanged)
    assert.equal(await readFile(path, 'utf8'), 'edited')
  })

  it('switches to nothing that somebody has put in the place of what it staged', async () => {
    const path = join(folder, 'key')
    await writeFile(path, 'old', { mode: 0o600 })
    const { target, first, leftovers } = placeAt(path)
    const to = { rotation: 'r', edition: first }
    const held = await target.stage(to, signal)
    const [staged = ''] = await leftovers()
    await writeFile(join(folder, staged), 'forged')
    await assert.rejects(target.activate(to, held, signal), LiveChanged)
    assert.equal(await readFile(path, 'utf8'), 'old')
  })

  it("never writes to rekeyd's own state, through links neither", async () => {
    await mkdir(join(folder, 'state'))
    await symlink('state', join(folder, 'innocent'))
    const context = { ...targetContext, stateDir: join(folder, 'state') }
    const options = file.schema.parse({ path: join(folder, 'innocent/store.keys') })
    await assert.rejects(file.create(options, context).check(signal), /own state directory/)
  })

  it('says which folder is not writable, and why', needs('mount'), () => {
    const script = `
      import { file } from '${import.meta.resolve('../../src/targets/file.ts')}'
      import { targetContext } from '${import.meta.resolve('../support/file-place.ts')}'
      const target = file.create(file.schema.parse({ path: process.argv[1] + '/key' }), targetContext)
      await target.check(new AbortController().signal).catch((e) => console.log(e.message, '/', e.hint))`
    const shell = 'mount -t tmpfs -o ro,mode=755 none "$1"; "$2" --input-type=module -e "$3" "$1"'
    const argv = ['-m', 'sh', '-c', shell, 'sh', folder, process.execPath, script]
    assert.match(
      execFileSync('unshare', argv).toString(),
      /^cannot write .*\.key\.rekeyd-check: read-only file system \(EROFS\) \/ .*ReadWritePaths=\n$/,
    )
  })

  it('names a user that does not exist', async () => {
    const { target } = placeAt(join(folder, 'key'), { owner: 'nobody-of-that-name' })
    await assert.rejects(target.check(signal), /there is no user 'nobody-of-that-name'/)
  })

  it('refuses more than it could hold in the journal', async () => {
    const { target } = placeAt(join(folder, 'key'))
    await writeFile(join(folder, 'key'), Buffer.alloc(8 * 1024 * 1024 + 1), { mode: 0o600 })
    await assert.rejects(target.check(signal), /key is too large$/)
  })

  it('takes a mode as quoted text only', () => {
    const problem = (mode: unknown) =>
      file.schema.safeParse({ path: '/x', mode }).error?.issues[0]?.message
    assert.match(
      problem(644) ?? '',
      /in quotes, as in "0600": without them YAML reads the number 644/,
    )
    assert.match(problem('rw-') ?? '', /octal digits/)
    assert.match(problem('0666') ?? '', /lets everybody write/)
    assert.equal(problem('0640'), undefined)
  })
})
