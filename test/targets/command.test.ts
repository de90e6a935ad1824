import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { command } from '../../src/targets/command.ts'
import { describeTarget } from '../contracts/target.ts'
import { snapshotOf, targetContext } from '../support/file-place.ts'
import { testEdition } from '../support/test-edition.ts'

const signal = new AbortController().signal
const create = (options: unknown) => command.create(command.schema.parse(options), targetContext)
const sh = (text: string, ...args: string[]) => ['/bin/sh', '-c', text, 'script', ...args]

/** Programs that keep the value in a file, as a stand-in for some service's own store. */
function programs(path: string) {
  return {
    write: sh('cat <&3 >"$1"', path),
    read: sh('[ -e "$1" ] || exit 1; cat "$1"', path),
    inspect: sh('[ -e "$1" ] || exit 1; cat <&3 | cmp -s - "$1"', path),
    remove: sh('rm "$1"', path),
  }
}

const editions = { first: testEdition(1, 'first'), second: testEdition(2, 'second') }

describeTarget('command', async (folder) => {
  const path = join(folder, 'value')
  return {
    target: create(programs(path)),
    ...editions,
    snapshot: () => snapshotOf(path),
    leftovers: async () => [],
    overwrite: () => writeFile(path, 'edited'),
  }
})

describeTarget('command, of which it cannot be read back', async (folder) => {
  const path = join(folder, 'value')
  const { read: _, ...rest } = programs(path)
  return {
    target: create({ ...rest, inspect: sh('[ -e "$1" ] || exit 1; cmp -s /dev/fd/3 "$1"', path) }),
    ...editions,
    // Without a way to read, nobody knows what was there before or that nothing is there now.
    initial: testEdition(3, 'initial'),
    snapshot: () => snapshotOf(path),
    leftovers: async () => [],
  }
})

describe('command target', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-target-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('hands over the previous value on descriptor 4, and to remove', async () => {
    const log = join(folder, 'log')
    const both = (word: string) => sh('{ echo "$2 [$(cat <&3)] [$(cat <&4)]"; } >>"$1"', log, word)
    const target = create({ write: both('write'), remove: both('remove') })
    const move = { rotation: 'r', edition: editions.second, previous: editions.first }
    const held = await target.stage(move, signal)
    await target.activate(move, held, signal)
    await target.withdraw(move, undefined, signal)
    assert.equal(await readFile(log, 'utf8'), 'write [second] [first]\nremove [] [second]\n')
  })

  it('cannot tell what is there without a program that knows, or when it does not', async () => {
    const write = sh('exit 0')
    for (const options of [{}, { inspect: sh('exit 75') }, { read: sh('exit 2') }]) {
      const finding = await create({ write, ...options }).inspect([editions.first], signal)
      assert.equal(finding.holds, 'unknown')
    }
  })

  it('fails when a program says anything but done', async () => {
    for (const status of [1, 2, 75]) {
      const target = create({ write: sh(`exit ${status}`) })
      const move = { rotation: 'r', edition: editions.first }
      const held = await target.stage(move, signal)
      await assert.rejects(target.activate(move, held, signal), new RegExp(`exit ${status}`))
    }
  })

  it('finds a missing program when it checks', async () => {
    const target = create({ write: sh('exit 0'), remove: ['/no/such/program'] })
    await assert.rejects(target.check(signal), { message: '/no/such/program cannot be run' })
  })

  it('says what is missing when nothing can take a value away', async () => {
    const move = { rotation: 'r', edition: editions.first }
    const target = create({ write: sh('exit 0') })
    await assert.rejects(target.withdraw(move, undefined, signal), { kind: 'config' })
  })
})
