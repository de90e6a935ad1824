import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  createKeyFile,
  makeKeys,
  openKeyFile,
  wrapAlso,
  wrapIds,
  wrapOnly,
} from '../../src/store/key-file.ts'
import { createStoreKeyFile, readStoreKey, storeKeySource } from '../../src/store/store-key.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rekeyd-key-'))
  file = join(folder, 'store.key')
})
afterEach(() => rmSync(folder, { recursive: true }))

function write(content: string | Uint8Array, mode = 0o600): void {
  writeFileSync(file, content)
  chmodSync(file, mode)
}

describe('the store key', () => {
  it('is the same key, raw or as hex in either case, with or without a line end', () => {
    const key = randomBytes(32)
    const hex = key.toString('hex')
    const ids = [key, hex, `${hex}\n`, hex.toUpperCase()].map((content) => {
      write(content)
      return readStoreKey({ file }).keyId
    })
    const hash = createHash('sha256').update('rekeyd store key').update(key).digest('hex')
    assert.deepEqual(new Set(ids), new Set([hash.slice(0, 16)]))
  })

  it('is refused when others may read it, naming path, mode and the command that helps', () => {
    for (const mode of [0o640, 0o604, 0o644, 0o620]) {
      write(randomBytes(32), mode)
      assert.throws(() => readStoreKey({ file }), {
        kind: 'config',
        message: `the store key ${file} has mode 0${mode.toString(8)}: others may read it`,
        hint: `chmod 600 ${file}`,
      })
    }
  })

  it('is refused when it is no key, without being quoted', () => {
    const wrong = ['', 'hunter2', 'x'.repeat(31), 'x'.repeat(64), 'ab'.repeat(33), 'ab'.repeat(500)]
    for (const content of [...wrong, Buffer.alloc(32), '00'.repeat(32)]) {
      write(content)
      assert.throws(
        () => readStoreKey({ file }),
        (error: Error & { kind: string }) =>
          error.kind === 'config' &&
          !inspect(error).includes('hunter2') &&
          !inspect(error).includes('xxx'),
      )
    }
  })

  it('is refused when it is absent, a folder or a pipe', () => {
    assert.throws(() => readStoreKey({ file }), {
      kind: 'config',
      message: /there is no store key/,
    })
    mkdirSync(file)
    assert.throws(() => readStoreKey({ file }), { kind: 'config', message: /not a regular file/ })
    rmSync(file, { recursive: true })
    execFileSync('mkfifo', ['-m', '600', file])
    assert.throws(() => readStoreKey({ file }), { kind: 'config', message: /not a regular file/ })
  })

  it('comes from a systemd credential by its name', (t) => {
    const before = process.env['CREDENTIALS_DIRECTORY']
    t.after(() => {
      if (before === undefined) delete process.env['CREDENTIALS_DIRECTORY']
      else process.env['CREDENTIALS_DIRECTORY'] = before
    })
    write(randomBytes(32), 0o440)
    process.env['CREDENTIALS_DIRECTORY'] = folder
    assert.match(readStoreKey({ credential: 'store.key' }).keyId, /^[0-9a-f]{16}$/)
    delete process.env['CREDENTIALS_DIRECTORY']
    assert.throws(() => readStoreKey({ credential: 'store.key' }), { kind: 'config' })
    assert.equal(storeKeySource.safeParse({ credential: '../store.key' }).success, false)
    assert.equal(storeKeySource.safeParse({ file, credential: 'x' }).success, false)
  })

  it('is made once, for its owner only', () => {
    createStoreKeyFile(file)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const made = readFileSync(file)
    assert.equal(made.length, 32)
    assert.throws(() => createStoreKeyFile(file), { kind: 'refused' })
    assert.deepEqual(readFileSync(file), made)
  })
})

describe('the wraps in store.keys', () => {
  const wrapperOf = (name: string) => {
    const path = join(folder, name)
    createStoreKeyFile(path)
    return readStoreKey({ file: path })
  }

  it('give the same keys under either of two store keys, and under one after the other is dropped', async () => {
    const [old, next] = [wrapperOf('old'), wrapperOf('next')]
    const keys = makeKeys()
    await createKeyFile(folder, keys, old)
    await wrapAlso(folder, old, next)
    for (const wrapper of [old, next]) {
      const opened = await openKeyFile(folder, wrapper)
      assert.equal(opened.store, keys.store)
      assert.ok(opened.databaseKey.equals(keys.databaseKey))
      assert.ok(opened.dataKey.equals(keys.dataKey))
    }
    assert.deepEqual(wrapIds(folder), [old.keyId, next.keyId])
    await wrapOnly(folder, next)
    await assert.rejects(openKeyFile(folder, old), { kind: 'config' })
    assert.ok((await openKeyFile(folder, next)).dataKey.equals(keys.dataKey))
  })

  it('are two at most, of which the one in use stays, and one at least', async () => {
    const [one, two, three] = [wrapperOf('one'), wrapperOf('two'), wrapperOf('three')]
    const keys = makeKeys()
    await createKeyFile(folder, keys, one)
    await wrapAlso(folder, one, two)
    await wrapAlso(folder, one, two)
    assert.deepEqual(wrapIds(folder), [one.keyId, two.keyId])
    await wrapAlso(folder, one, three)
    assert.deepEqual(wrapIds(folder), [one.keyId, three.keyId])
    await wrapAlso(folder, three, one)
    assert.deepEqual(wrapIds(folder), [three.keyId, one.keyId])
    await assert.rejects(wrapOnly(folder, two), { kind: 'config' })
    await wrapOnly(folder, one)
    await wrapOnly(folder, one)
    assert.deepEqual(wrapIds(folder), [one.keyId])
  })

  it('are not given up for one that does not open the store', async () => {
    const [old, next] = [wrapperOf('old'), wrapperOf('next')]
    await createKeyFile(folder, makeKeys(), old)
    await wrapAlso(folder, old, next)
    const path = join(folder, 'store.keys')
    const file = JSON.parse(readFileSync(path, 'utf8'))
    file.wraps[1].wrapped = file.wraps[0].wrapped
    writeFileSync(path, JSON.stringify(file))
    await assert.rejects(wrapOnly(folder, next), { kind: 'needs-attention' })
    assert.deepEqual(wrapIds(folder), [old.keyId, next.keyId])
  })

  it('do not open when they were copied from another store', async () => {
    const wrapper = wrapperOf('one')
    const path = join(folder, 'store.keys')
    await createKeyFile(folder, makeKeys(), wrapper)
    const first = JSON.parse(readFileSync(path, 'utf8'))
    await createKeyFile(folder, makeKeys(), wrapper)
    const second = JSON.parse(readFileSync(path, 'utf8'))
    writeFileSync(path, JSON.stringify({ ...second, wraps: first.wraps }))
    await assert.rejects(openKeyFile(folder, wrapper), { kind: 'needs-attention' })
  })
})
