import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openDatabase } from '../../src/store/database.ts'
import { openKeyFile } from '../../src/store/key-file.ts'
import { createStoreKeyFile, readStoreKey } from '../../src/store/store-key.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

const isRoot = process.getuid?.() === 0

describe('opening a store', () => {
  let scratch: ScratchStore
  let stateDir: string
  beforeEach(() => {
    scratch = new ScratchStore()
    stateDir = scratch.options.stateDir
  })
  afterEach(() => scratch.dispose())

  async function createAndClose(): Promise<void> {
    const store = await scratch.create()
    store.keys.put(newVersion('vapid', 'kept'), 'active', alice)
    store.close()
  }

  it('gives back after a restart what was put before', async () => {
    await createAndClose()
    const store = await scratch.open()
    assert.equal(store.keys.secret('vapid', 1)['private_key']?.bytes.toString(), 'kept')
    const { private_key } = newVersion('vapid', 'kept').parts
    assert.ok(private_key)
    assert.equal(store.keys.fingerprint({ private_key }), store.keys.active('vapid')?.fingerprint)
    assert.equal(store.restored, false)
    assert.equal(store.epoch, 2)
  })

  it('makes only files that nobody else can read', async () => {
    await scratch.create()
    assert.equal(statSync(stateDir).mode & 0o777, 0o700)
    for (const name of readdirSync(stateDir)) {
      assert.equal(statSync(join(stateDir, name)).mode & 0o777, 0o600, name)
    }
    assert.ok(existsSync(`${scratch.database}-wal`))
  })

  it('refuses an absent store without making one', async () => {
    await assert.rejects(scratch.open(), { kind: 'locked', message: /there is no store/ })
    assert.equal(existsSync(stateDir), false)
    await createAndClose()
    rmSync(scratch.database)
    await assert.rejects(scratch.open(), { kind: 'locked', message: /there is no store/ })
    assert.equal(existsSync(scratch.database), false)
  })

  it('refuses an empty store and leaves it as it is', async () => {
    await createAndClose()
    truncateSync(scratch.database)
    await assert.rejects(scratch.open(), { kind: 'needs-attention', message: /is empty/ })
    assert.equal(statSync(scratch.database).size, 0)
  })

  it('refuses a directory or link in place of the store', async () => {
    await createAndClose()
    renameSync(scratch.database, `${scratch.database}.away`)
    mkdirSync(scratch.database)
    await assert.rejects(scratch.open(), { message: /not a regular file/ })
    rmdirSync(scratch.database)
    symlinkSync(`${scratch.database}.away`, scratch.database)
    await assert.rejects(scratch.open(), { message: /not a regular file/ })
  })

  it('refuses another store key and names both', async () => {
    await createAndClose()
    const file = join(scratch.folder, 'other.key')
    createStoreKeyFile(file)
    const right = readStoreKey(scratch.options.storeKey).keyId
    const wrong = readStoreKey({ file }).keyId
    await assert.rejects(scratch.open({ storeKey: { file } }), {
      kind: 'config',
      message: new RegExp(`${wrong}.*${right}`),
    })
  })

  it('refuses the database of another store beside its own keys', async () => {
    await createAndClose()
    const other = new ScratchStore()
    try {
      ;(await other.create()).close()
      cpSync(other.database, scratch.database)
      await assert.rejects(scratch.open(), {
        kind: 'needs-attention',
        message: /damaged, or does not belong/,
      })
    } finally {
      other.dispose()
    }
  })

  it('refuses a store without its store.keys, or with a damaged one', async () => {
    await createAndClose()
    const path = join(stateDir, 'store.keys')
    const text = readFileSync(path, 'utf8')
    const damaged = [
      ['', /damaged/],
      ['{"format": 1}', /damaged/],
      [text.replace(/"store": "../, '"store": "zz'), /damaged/],
      [
        text.replace(/"wrapped": "(.)/, (_, c) => `"wrapped": "${c === 'A' ? 'B' : 'A'}`),
        /damaged/,
      ],
    ] as const
    for (const [content, message] of damaged) {
      writeFileSync(path, content)
      await assert.rejects(scratch.open(), { kind: 'needs-attention', message })
    }
    rmSync(path)
    await assert.rejects(scratch.open(), {
      kind: 'needs-attention',
      message: /there is no .*store\.keys/,
    })
  })

  it('refuses a store that a newer rekeyd wrote', async () => {
    await createAndClose()
    const keys = await openKeyFile(stateDir, readStoreKey(scratch.options.storeKey))
    const db = await openDatabase(scratch.database, keys.databaseKey)
    db.pragma('user_version = 99')
    db.close()
    await assert.rejects(scratch.open(), { kind: 'failed', message: /newer rekeyd: schema 99/ })
  })

  it('refuses a state directory that others may write to', async () => {
    await createAndClose()
    chmodSync(stateDir, 0o770)
    await assert.rejects(scratch.open(), { kind: 'config', hint: `chmod 700 ${stateDir}` })
  })

  it('is taken back from who opened it before: a stale executor cannot write', async () => {
    const stale = await scratch.create()
    const { id } = stale.journal.begin({
      trigger: 'manual',
      actor: alice,
      members: [{ material: 'vapid', make: newVersion('vapid') }],
      now: 1,
    }).rotation
    const store = await scratch.open()
    const refused = { kind: 'locked', message: /another rekeyd has opened/ }
    assert.throws(() => stale.keys.put(newVersion('token'), 'active', alice), refused)
    assert.throws(() => stale.journal.turn(id, 'back', ''), refused)
    assert.throws(() => stale.journal.started(id, 'stage', 'x', 'forward', 1), refused)
    assert.throws(() => stale.schedule.accept({ wall: 1, sinceBoot: 1, bootId: '' }), refused)
    store.journal.turn(id, 'back', 'recovery')
    assert.equal(store.keys.get('token', 1), undefined)
  })

  describe('that is not the one used last', () => {
    const marker = () => join(`${stateDir}.marker`, 'store.marker')
    // By another process: here it would drop SQLite's locks.
    const copy = (from: string, to: string) => execFileSync('cp', [from, to])
    const copyAway = (...ends: string[]) =>
      ends.forEach((end) => copy(scratch.database + end, join(scratch.folder, `away${end}`)))
    const copyBack = (...ends: string[]) =>
      ends.forEach((end) => copy(join(scratch.folder, `away${end}`), scratch.database + end))

    it('notices an older copy, also of the same opening, until that is settled', async () => {
      const store = await scratch.create()
      store.keys.put(newVersion('vapid', 'old'), 'active', alice)
      copyAway('', '-wal')
      store.keys.put(newVersion('vapid', 'new'), 'prepared', alice)
      store.close()
      copyBack('', '-wal')

      const restored = await scratch.open()
      assert.equal(restored.restored, true)
      assert.ok(restored.epoch > store.epoch)
      assert.match(JSON.stringify(restored.audit.list(0, 99)), /store.restored.*older copy/)
      // The lost copy had a version 2 already.
      assert.ok(restored.keys.put(newVersion('vapid'), 'prepared', alice).number > 2)
      assert.ok(restored.keys.put(newVersion('token'), 'prepared', alice).number > 1)
      restored.close()

      const again = await scratch.open()
      assert.equal(again.restored, true)
      again.settle(alice)
      again.close()
      assert.equal((await scratch.open()).restored, false)
    })

    it('notices a write-ahead log that is gone', async () => {
      const store = await scratch.create()
      store.keys.put(newVersion('vapid'), 'active', alice)
      copyAway('')
      store.close()
      copyBack('')
      assert.equal((await scratch.open()).restored, true)
    })

    it('takes a lost marker for a store that came from elsewhere', async () => {
      await createAndClose()
      rmSync(marker())
      assert.equal((await scratch.open()).restored, true)
    })

    it('notices an older copy of the whole state directory', async () => {
      await createAndClose()
      execFileSync('cp', ['-a', stateDir, `${stateDir}.away`])
      const store = await scratch.open()
      store.keys.put(newVersion('vapid', 'new'), 'prepared', alice)
      store.close()
      rmSync(stateDir, { recursive: true })
      renameSync(`${stateDir}.away`, stateDir)
      assert.equal((await scratch.open()).restored, true)
    })

    it('does not give back what has leaked since the copy was made', async () => {
      await createAndClose()
      execFileSync('cp', ['-a', stateDir, `${stateDir}.away`])
      const store = await scratch.open()
      store.keys.compromise('vapid', [1], alice)
      store.close()
      rmSync(stateDir, { recursive: true })
      renameSync(`${stateDir}.away`, stateDir)
      const restored = await scratch.open()
      assert.equal(restored.keys.get('vapid', 1)?.compromised, true)
      const told = restored.audit
        .list(0, 99)
        .filter(({ action }) => action === 'version.compromise')
      assert.deepEqual(
        told.map(({ who, why, version }) => [who, why, version]),
        [['rekeyd', 'known from outside this copy', 1]],
      )
      assert.equal(restored.audit.verify().ok, true)
    })

    it('does not take a marker that cannot be read for none', async () => {
      await createAndClose()
      renameSync(marker(), `${marker()}.away`)
      mkdirSync(marker())
      await assert.rejects(scratch.open(), { kind: 'failed', message: /cannot read the marker/ })
      rmdirSync(marker())
      renameSync(`${marker()}.away`, marker())
      assert.equal((await scratch.open()).restored, false)
    })

    it('says when it cannot keep a marker', async () => {
      await createAndClose()
      mkdirSync(`${marker()}.new`)
      await assert.rejects(scratch.open(), { message: /cannot write the marker/ })
    })

    it('keeps the marker inside where it may not write beside', {
      skip: !isRoot && 'needs root',
    }, async () => {
      await createAndClose()
      const nobody = 65_534
      execFileSync('chown', ['-R', String(nobody), stateDir, join(scratch.folder, 'store.key')])
      chmodSync(scratch.folder, 0o755)
      rmSync(`${stateDir}.marker`, { recursive: true })
      process.seteuid?.(nobody)
      try {
        ;(await scratch.open()).close()
        assert.ok(existsSync(join(stateDir, 'store.marker')))
        const store = await scratch.open()
        store.settle(alice)
        store.close()
        assert.equal((await scratch.open()).restored, false)
      } finally {
        process.seteuid?.(0)
      }
    })

    it('refuses the store of another machine until it is taken over', async () => {
      await createAndClose()
      await assert.rejects(scratch.open({ machineId: 'there' }), {
        kind: 'needs-attention',
        message: /another machine/,
      })
      assert.equal((await scratch.open()).restored, false)
      const taken = await scratch.open({ machineId: 'there', takeOver: true })
      assert.equal(taken.restored, true)
      taken.settle(alice)
      assert.equal((await scratch.open({ machineId: 'there' })).restored, false)
      await assert.rejects(scratch.open(), { message: /another machine/ })
    })

    it('opens on a machine that has no id', async () => {
      await createAndClose()
      assert.equal((await scratch.open({ machineId: '' })).restored, false)
    })
  })
})

describe('making a store', () => {
  let scratch: ScratchStore
  beforeEach(() => {
    scratch = new ScratchStore()
  })
  afterEach(() => scratch.dispose())

  it('refuses to replace a store, or the keys of one', async () => {
    ;(await scratch.create()).close()
    const before = readFileSync(scratch.database)
    await assert.rejects(scratch.create(), { kind: 'refused', message: /store\.db exists already/ })
    assert.deepEqual(readFileSync(scratch.database), before)
    rmSync(scratch.database)
    await assert.rejects(scratch.create(), {
      kind: 'refused',
      message: /store\.keys exists already/,
    })
  })

  it('can be repeated after it was killed just before its last step', async () => {
    ;(await scratch.create()).close()
    renameSync(scratch.database, `${scratch.database}.new`)
    rmSync(`${scratch.options.stateDir}.marker`, { recursive: true })
    const store = await scratch.create()
    assert.deepEqual(
      readdirSync(scratch.options.stateDir).filter((name) => name.includes('.new')),
      [],
    )
    store.keys.put(newVersion('vapid'), 'active', alice)
  })

  it('can be repeated after it was killed before', async () => {
    ;(await scratch.create()).close()
    const { stateDir } = scratch.options
    for (const name of readdirSync(stateDir)) rmSync(join(stateDir, name))
    writeFileSync(`${scratch.database}.new`, 'half')
    writeFileSync(join(stateDir, 'store.keys.new'), 'half')
    assert.equal((await scratch.create()).restored, false)
  })

  it('imports nothing that opens a file, but for files that are no databases', () => {
    const sources = join(import.meta.dirname, '../../src/store')
    const opensNothing = ['lstatSync', 'mkdirSync', 'renameSync', 'rmSync', 'statSync']
    const ownFiles = ['public-archive.ts', 'replace-file.ts', 'store-copy.ts', 'store-key.ts']
    for (const name of readdirSync(sources).filter((name) => !ownFiles.includes(name))) {
      const source = readFileSync(join(sources, name), 'utf8')
      assert.doesNotMatch(source, /node:fs\/promises/, name)
      const imported = /import \{([^}]*)\} from 'node:fs'/.exec(source)?.[1] ?? ''
      const names = imported
        .split(',')
        .map((text) => text.trim())
        .filter(Boolean)
      assert.deepEqual(
        names.filter((each) => !opensNothing.includes(each)),
        [],
        name,
      )
    }
  })
})
