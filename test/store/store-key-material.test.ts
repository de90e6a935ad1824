import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'
import { createKeyFile, makeKeys, openKeyFile, wrapIds } from '../../src/store/key-file.ts'
import { randomSecret } from '../../src/store/seal.ts'
import { readStoreKey, storeKeyId, wrapperOf } from '../../src/store/store-key.ts'
import { storeKeyKind } from '../../src/store/store-key-kind.ts'
import { storeKeyTarget } from '../../src/store/store-key-target.ts'
import { storeKeyVerifier } from '../../src/store/store-key-verifier.ts'
import { describeKind } from '../contracts/kind.ts'
import { describeTarget } from '../contracts/target.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'

const signal = new AbortController().signal

describeKind(
  'store-key',
  () => storeKeyKind.create({}, { material: 'it', editionOf: async () => undefined }) as never,
)

/** A store's keys, wrapped under the key in `store.key`, and editions of that key and of two others. */
async function layOut(folder: string) {
  const keys = [randomSecret(32), randomSecret(32), randomSecret(32)] as const
  await writeFile(join(folder, 'store.key'), keys[0].bytes, { mode: 0o600 })
  await createKeyFile(folder, makeKeys(), wrapperOf(keys[0]))
  const editionOf = (key: SecretBytes, number: number): Edition =>
    fakeEdition(Buffer.from(key.bytes), { number, attributes: { key_id: storeKeyId(key) } })
  return {
    initial: editionOf(keys[0], 7),
    first: editionOf(keys[1], 1),
    second: editionOf(keys[2], 2),
  }
}

const contextOf = (folder: string) => ({
  ...noContext,
  material: 'it',
  stateDir: folder,
  storeKey: { file: join(folder, 'store.key') },
})

describeTarget('store_key', async (folder) => {
  const path = join(folder, 'store.key')
  return {
    ...(await layOut(folder)),
    target: storeKeyTarget.create({}, contextOf(folder)),
    async snapshot() {
      const { mode } = await stat(path)
      return { content: (await readFile(path)).toString('hex'), mode }
    },
    leftovers: async () => (await readdir(folder)).filter((name) => name.includes('.rekeyd-')),
    hide: () => rm(path),
  }
})

describeVerifier('store_key', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-store-key-'))
  const { initial, first } = await layOut(folder)
  const context = contextOf(folder)
  const target = storeKeyTarget.create({}, context)
  return {
    verifier: storeKeyVerifier.create({}, context),
    first: initial,
    second: first,
    async switchToSecond() {
      const move = { rotation: 'r1', edition: first, previous: initial }
      await target.activate(move, await target.stage(move, signal), signal)
    },
    stop: () => rm(join(folder, 'store.keys')),
    dispose: () => rm(folder, { recursive: true }),
  }
})

describe('a store key that is a systemd credential', () => {
  let folder: string
  let editions: Awaited<ReturnType<typeof layOut>>
  const credentials = process.env['CREDENTIALS_DIRECTORY']
  const path = (name: string) => join(folder, name)
  const context = () => ({ ...contextOf(folder), storeKey: { credential: 'store.key' } })
  /** What systemd encrypts it into: the unit sees it from its next start on. */
  const target = () =>
    storeKeyTarget.create(
      { install: ['/bin/sh', '-c', 'umask 077; cat <&3 >"$0"', path('installed')] },
      context(),
    )
  const rotateTo = async (edition: Edition, previous: Edition) => {
    const move = { rotation: 'r1', edition, previous }
    await target().activate(move, await target().stage(move, signal), signal)
  }
  const restart = () => rename(path('installed'), path('store.key'))
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-store-key-'))
    editions = await layOut(folder)
    process.env['CREDENTIALS_DIRECTORY'] = folder
  })
  afterEach(async () => {
    if (credentials === undefined) delete process.env['CREDENTIALS_DIRECTORY']
    else process.env['CREDENTIALS_DIRECTORY'] = credentials
    await rm(folder, { recursive: true })
  })

  it('needs a program that installs it', () => {
    assert.throws(() => storeKeyTarget.create({}, context()), { kind: 'config', hint: /install/ })
  })

  it('opens the store by either key until a start has shown the new one', async () => {
    const { initial, first } = editions
    await target().check(signal)
    await rotateTo(first, initial)
    assert.equal(wrapIds(folder).length, 2)
    assert.equal((await target().inspect([initial, first], signal)).holds, 'unknown')
    await target().tidy(signal)
    assert.equal(wrapIds(folder).length, 2)
    const verifier = storeKeyVerifier.create({}, context())
    assert.equal(verifier.proves, false)
    assert.deepEqual(await verifier.accepts(first, signal), { yes: true })
    await openKeyFile(folder, readStoreKey(context().storeKey))

    await restart()
    assert.deepEqual(await target().inspect([initial, first], signal), {
      holds: 'version',
      number: 1,
    })
    await target().tidy(signal)
    assert.deepEqual(wrapIds(folder), [first.version.attributes['key_id']])
    await openKeyFile(folder, readStoreKey(context().storeKey))
  })

  it('is not rotated again before it was seen', async () => {
    await rotateTo(editions.first, editions.initial)
    await assert.rejects(target().check(signal), { kind: 'refused', hint: /restart/ })
    await restart()
    await target().check(signal)
  })

  it('keeps both keys when the previous one is given back before a start', async () => {
    const { initial, first } = editions
    await rotateTo(first, initial)
    await rotateTo(initial, first)
    assert.equal(wrapIds(folder).at(-1), initial.version.attributes['key_id'])
    await restart()
    await target().tidy(signal)
    assert.deepEqual(wrapIds(folder), [initial.version.attributes['key_id']])
  })

  it('is not taken for there when the unit still starts with the one before', async () => {
    const { initial, first } = editions
    await rotateTo(first, initial)
    await openKeyFile(folder, readStoreKey(context().storeKey))
    await target().tidy(signal)
    assert.equal(wrapIds(folder).length, 2)
  })
})
