import assert from 'node:assert/strict'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { env } from '../../src/targets/env.ts'
import type { Target } from '../../src/targets/target.ts'
import { describeTarget, type TestPlace } from '../contracts/target.ts'
import { leftoversBeside, snapshotOf, targetContext } from '../support/file-place.ts'
import { testEdition } from '../support/test-edition.ts'

const signal = new AbortController().signal

function create(path: string, options: object = {}): Target {
  const parsed = env.schema.parse({ path, key: 'TOKEN', dialect: 'systemd', ...options })
  return env.create(parsed, targetContext)
}

function placeAt(path: string): TestPlace {
  return {
    target: create(path),
    first: testEdition(1, 'first/+='),
    second: testEdition(2, `it's "quoted" $HOME \\ and more`),
    neighbour: { target: create(path, { key: 'OTHER' }), edition: testEdition(7, 'other') },
    snapshot: () => snapshotOf(path),
    leftovers: () => leftoversBeside(path),
    edit: async () => writeFile(path, 'EDIT=1\n', { flag: 'a', mode: 0o600 }),
    isEdited: async () => (await readFile(path, 'latin1')).includes('EDIT=1\n'),
    hide: () => rename(join(path, '..'), `${join(path, '..')}-away`),
  }
}

const files = {
  'without the key': '# settings\nA=1\n',
  'without a final line break': 'TOKEN=old\nA=1',
  'without the key and without a final line break': 'A=1',
  'with the key between others': "A=1\n  TOKEN = 'old value' \nB=2 # TOKEN=no\n",
  'with CRLF': 'A=1\r\nTOKEN="old"\r\n',
  'with the key prepared': 'TOKEN=\nA=1\n',
}

describeTarget('env, absent', async (folder) => placeAt(join(folder, 'env')))
for (const [name, content] of Object.entries(files)) {
  describeTarget(`env, ${name}`, async (folder) => {
    const path = join(folder, 'env')
    await writeFile(path, content, { mode: 0o640 })
    const place = placeAt(path)
    return name === 'without a final line break' || !content.endsWith('\n') ? closed(place) : place
  })
}

/** An edit by `>>` would be glued to the last line here. */
function closed(place: TestPlace): TestPlace {
  const { edit: _, isEdited: __, ...rest } = place
  return rest
}

describe('env target', () => {
  it('keeps every other byte of the file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-env-'))
    const path = join(folder, 'env')
    await writeFile(
      path,
      Buffer.from('# \xff caf\xe9\nA = 1 \nTOKEN=old # kept?\n\n;x\nB="2"', 'latin1'),
    )
    const to = { rotation: 'r', edition: testEdition(1, 'new') }
    await create(path).activate(to, await create(path).stage(to, signal), signal)
    assert.equal(await readFile(path, 'latin1'), '# \xff caf\xe9\nA = 1 \nTOKEN=new\n\n;x\nB="2"')
    await rm(folder, { recursive: true })
  })

  it('names both lines when a key is set twice, and changes nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-env-'))
    const path = join(folder, 'env')
    await writeFile(path, 'TOKEN=canary-1\nA=1\nTOKEN=canary-2\n')
    await assert.rejects(create(path).check(signal), (error: Error) => {
      assert.match(error.message, /env:3: TOKEN is set here and in line 1$/)
      assert.doesNotMatch(JSON.stringify([error.message, error.stack]), /canary/)
      return true
    })
    await rm(folder, { recursive: true })
  })

  it('refuses an empty value', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rekeyd-env-'))
    const to = { rotation: 'r', edition: testEdition(1, '') }
    await assert.rejects(create(join(folder, 'env')).stage(to, signal), /is empty/)
    await rm(folder, { recursive: true })
  })

  it('says that a program gets it through its environment, a shell by reading the file', () => {
    for (const dialect of ['systemd', 'compose', 'docker']) {
      assert.equal(create('/x', { dialect }).place.reads, 'environment')
    }
    assert.equal(create('/x', { dialect: 'shell' }).place.reads, 'file')
  })
})
