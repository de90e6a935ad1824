import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { command } from '../../src/verifiers/command.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'

const never = new AbortController().signal
const create = (options: unknown) => command.create(command.schema.parse(options), noContext)
const sh = (text: string, ...args: string[]) => ['/bin/sh', '-c', text, 'script', ...args]

describeVerifier('command', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-verifier-'))
  const used = join(folder, 'used')
  await writeFile(used, 'first')
  // Without descriptor 3 (readiness) the program only looks whether the file is there.
  const run = sh(
    '[ -e "$1" ] || exit 75; { [ -e /dev/fd/3 ] || exit 0; }; cmp -s /dev/fd/3 "$1"',
    used,
  )
  const refuses = sh('[ -e "$1" ] || exit 75; ! cat <&4 | cmp -s - "$1"', used)
  return {
    verifier: create({ run, refuses }),
    first: fakeEdition('first'),
    second: fakeEdition('second'),
    switchToSecond: () => writeFile(used, 'second'),
    stop: () => rm(used),
    dispose: () => rm(folder, { recursive: true }),
  }
})

describe('command verifier', () => {
  it('takes the bare program, and asks it nothing about the previous value', async () => {
    const verifier = create(sh('exit 0'))
    assert.ok(!('refuses' in verifier))
    assert.deepEqual(await verifier.accepts(fakeEdition('x'), never), { yes: true })
  })

  it('tells a no from a program that could not tell', async () => {
    const verdict = await create(sh('exit 1')).accepts(fakeEdition('x'), never)
    assert.deepEqual(verdict, { yes: false, reason: '/bin/sh says no' })
    for (const text of ['exit 75', 'exit 2', 'kill $$']) {
      await assert.rejects(create(sh(text)).accepts(fakeEdition('x'), never))
    }
    const slow = create({ run: sh('sleep 60'), timeout: '1s' })
    await assert.rejects(slow.accepts(fakeEdition('x'), never), /did not end within/)
  })
})
