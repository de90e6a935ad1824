import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { listBackups } from '../../src/backup/backup-folder.ts'
import { openBackup } from '../../src/backup/restore.ts'
import { openKeyFile } from '../../src/store/key-file.ts'
import { openStore } from '../../src/store/store.ts'
import { readStoreKey } from '../../src/store/store-key.ts'
import { systemClock } from '../../src/support/clock.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { openRekeyd, type ScratchRekeyd } from '../scenarios/scratch-rekeyd.ts'
import { genuineOpens } from '../support/databases.ts'
import { needs } from '../support/parts.ts'
import { makeAgeKey } from './scratch-keys.ts'

const caller = { who: 'cli:operator' }

describe('a backup', () => {
  let folder: string
  let yaml: string
  let rekeyd: ScratchRekeyd
  const path = (name: string) => join(folder, name)
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-backup-'))
    const { recipient } = await makeAgeKey(path('identity'))
    yaml = `
recovery: { recipients: [${recipient}] }
backup: { to: ${path('backups')}, keep: 3 }
materials:
  token: { kind: token, rotate: { every: 30d }, on_missing: create, verify: none, targets: [{ file: { path: ${path('token')} } }] }
  vapid: { kind: vapid, rotate: { every: 30d }, on_missing: create, verify: none, targets: [{ env: { path: ${path('env')}, key: VAPID, dialect: systemd } }] }
`
    rekeyd = await openRekeyd(folder, yaml)
  })
  afterEach(async () => {
    await rekeyd.close()
    rmSync(folder, { recursive: true })
  })

  /** The restored store, opened on its own. */
  async function placed(backup: string, { compromised = true } = {}) {
    if (!compromised) rmSync(path('backups/rekeyd-compromised.json'))
    await using opened = await openBackup(backup, path('identity'))
    const stateDir = path('restored')
    const storeKey = { file: path('rekeyd/store.key') }
    await opened.place({ stateDir, storeKey, clock: systemClock, replace: false, takeOver: false })
    return openStore({ stateDir, storeKey, clock: systemClock })
  }

  it(
    'is opened by age and tar, and the store in it by SQLCipher',
    needs('age', 'sqlcipher'),
    async () => {
      const { path: made } = await rekeyd.operations.backup(undefined, caller)
      assert.equal(statSync(made).mode & 0o777, 0o600)
      const tar = execFileSync('age', ['-d', '-i', path('identity'), made], { maxBuffer: 1e8 })
      execFileSync('mkdir', [path('out')])
      execFileSync('tar', ['-x', '-C', path('out')], { input: tar })
      assert.deepEqual(readdirSync(path('out')).toSorted(), [
        'backup.json',
        'public',
        'rekeyd.yaml',
        'store.db',
        'store.key',
        'store.keys',
      ])
      assert.equal(statSync(path('out/store.key')).mode & 0o777, 0o600)
      const keys = await openKeyFile(path('out'), readStoreKey({ file: path('out/store.key') }))
      const key = { form: 'raw', bytes: keys.databaseKey.bytes } as const
      assert.ok(genuineOpens(path('out/store.db'), { key }))
      const config = readFileSync(path('out/rekeyd.yaml'), 'utf8')
      assert.equal(config, readFileSync(path('rekeyd/rekeyd.yaml'), 'utf8'))
      assert.equal(spawnSync('age', ['-d', made]).status, 1)
    },
  )

  it('gives back every version that it has, and waits for a person', async () => {
    await rekeyd.rotate('token')
    const held = readFileSync(path('token'), 'utf8')
    const { path: made } = await rekeyd.operations.backup(undefined, caller)
    await rekeyd.rotate('token')
    const store = await placed(made)
    try {
      assert.equal(store.restored, true)
      assert.equal(store.keys.active('token')?.number, 2)
      assert.equal(store.keys.secret('token', 2)['token']?.bytes.toString(), held)
      assert.equal(store.audit.verify().ok, true)
      const actions = store.audit.list(0, 999).map(({ action }) => action)
      assert.ok(actions.includes('store.restore') && actions.includes('store.restored'))
      assert.ok(existsSync(path('restored/public/vapid')))
    } finally {
      store.close()
    }
  })

  for (const known of [true, false]) {
    const title = known
      ? 'never brings back what has leaked since it was made'
      : 'has every version as it was where nobody has told what leaked'
    it(title, async () => {
      const { path: made } = await rekeyd.operations.backup(undefined, caller)
      await rekeyd.operations.compromise('token', {}, caller)
      await rekeyd.operations.backup(undefined, caller)
      const store = await placed(made, { compromised: known })
      try {
        assert.equal(store.keys.get('token', 1)?.compromised, known)
        const rollback = () => {
          store.keys.change([{ material: 'token', number: 1, event: 'withdraw' }], caller)
          store.keys.change([{ material: 'token', number: 1, event: 'reactivate' }], caller)
        }
        if (known) assert.throws(rollback, { kind: 'refused', message: /compromised/ })
      } finally {
        store.close()
      }
    })
  }

  it('is kept in the number that is asked for, the newest ones', async () => {
    for (let count = 0; count < 5; count += 1) await rekeyd.operations.backup(undefined, caller)
    writeFileSync(path('backups/notes.txt'), 'of the operator')
    const [newest] = (await rekeyd.operations.audit(0, 999)).toReversed()
    const kept = listBackups(path('backups'))
    assert.equal(kept.length, 3)
    assert.equal(newest?.action, 'backup')
    assert.equal(newest?.detail, kept.at(-1)?.path)
    assert.ok(existsSync(path('backups/notes.txt')))
  })

  it('is purged only once there is a new one that knows what leaked', async () => {
    const old = await rekeyd.operations.backup(undefined, caller)
    const purge = { purge: true }
    renameSync(path('rekeyd/rekeyd.yaml'), path('away'))
    const failed = await rekeyd.operations.compromise('token', purge, caller)
    assert.match(failed.purge_failed ?? '', /rekeyd\.yaml/)
    assert.deepEqual(
      listBackups(path('backups')).map((one) => one.path),
      [old.path],
    )
    renameSync(path('away'), path('rekeyd/rekeyd.yaml'))
    assert.equal((await rekeyd.operations.compromise('token', purge, caller)).purged, 1)
    const [left, ...more] = listBackups(path('backups'))
    assert.ok(left && more.length === 0 && left.path !== old.path)
    const store = await placed(left.path)
    assert.equal(store.keys.get('token', 1)?.compromised, true)
    store.close()
  })

  it('is not counted while it is half written, and what was left of one goes', async () => {
    await rekeyd.operations.backup(undefined, caller)
    writeFileSync(path('backups/rekeyd-20990101T000000Z.age.part'), 'half')
    assert.equal(listBackups(path('backups')).length, 1)
    await rekeyd.operations.backup(undefined, caller)
    assert.equal(existsSync(path('backups/rekeyd-20990101T000000Z.age.part')), false)
  })

  it('shows nothing to anybody but its recipients', async () => {
    const held = readFileSync(path('token'), 'utf8')
    const { path: made } = await rekeyd.operations.backup(undefined, caller)
    const bytes = readFileSync(made, 'latin1')
    for (const text of [held, 'token', 'SQLite', 'store.keys', 'rekeyd.yaml']) {
      assert.equal(bytes.includes(text), false, text)
    }
    await makeAgeKey(path('stranger'))
    await assert.rejects(openBackup(made, path('stranger')), { message: /no identity opens/ })
    const known = readFileSync(path('backups/rekeyd-compromised.json'), 'utf8')
    assert.equal(known, '[]\n')
    assert.deepEqual(
      readdirSync(path('rekeyd/state')).filter((name) => name.includes('copy')),
      [],
    )
  })

  it('is refused when any byte of it was changed, or it was cut off', async () => {
    const { path: made } = await rekeyd.operations.backup(undefined, caller)
    const whole = readFileSync(made)
    for (let round = 0; round < 40; round += 1) {
      const at = Math.floor((whole.length * (round + 0.5)) / 40)
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] ?? 0) ^ (1 << (round % 8))
      writeFileSync(made, round % 2 === 0 ? changed : whole.subarray(0, at))
      await assert.rejects(openBackup(made, path('identity')), { message: /no identity opens/ })
    }
  })

  it('is not made without a recipient, or without a place', async () => {
    await rekeyd.close()
    const without = (line: RegExp) => yaml.replace(line, '')
    rekeyd = await openRekeyd(folder, without(/^(recovery|backup):.*$/gm))
    await assert.rejects(rekeyd.operations.backup(path('else'), caller), {
      kind: 'refused',
      hint: /age-keygen/,
    })
    await rekeyd.close()
    rekeyd = await openRekeyd(folder, without(/^backup:.*$/m))
    await assert.rejects(rekeyd.operations.backup(undefined, caller), { hint: /--to/ })
    const { path: made } = await rekeyd.operations.backup(path('else'), caller)
    assert.equal(readdirSync(path('else')).includes(made.slice(path('else/').length)), true)
  })

  it('stands in the way of neither a start nor a scrape when its folder is none', async () => {
    await rekeyd.close()
    writeFileSync(path('backups'), '')
    rekeyd = await openRekeyd(folder, yaml)
    await rekeyd.start()
    assert.equal((await rekeyd.rotate('token')).result, 'applied_unproved')
    assert.doesNotMatch(await rekeyd.metrics(), /^rekeyd_backup_last_success/m)
    await assert.rejects(rekeyd.operations.backup(undefined, caller))
  })

  it('goes nowhere else when the disk says no, and the store goes on', async () => {
    writeFileSync(path('in-the-way'), '')
    await assert.rejects(rekeyd.operations.backup(path('in-the-way'), caller))
    assert.equal((await rekeyd.rotate('token')).result, 'applied_unproved')
    const failed = rekeyd.events.filter(({ type }) => type === 'backup.finished')
    assert.deepEqual(
      failed.map((event) => 'ok' in event && event.ok),
      [false],
    )
  })
})

describe('backups that rekeyd makes by itself', () => {
  it('follow the rotations of a moment, and come at the first start', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-backup-'))
    const clock = new FakeClock()
    const { recipient } = await makeAgeKey(join(folder, 'identity'))
    const rekeyd = await openRekeyd(
      folder,
      `
recovery: { recipients: [${recipient}] }
backup: { to: ${join(folder, 'backups')} }
materials:
  token: { kind: token, rotate: { every: 30d }, on_missing: create, verify: none, targets: [{ file: { path: ${join(folder, 'token')} } }] }
`,
      clock,
    )
    try {
      const backups = () => listBackups(join(folder, 'backups')).length
      const settled = async (count: number) => {
        for (let look = 0; look < 200 && backups() < count; look += 1) {
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        return backups()
      }
      await rekeyd.start()
      await clock.advance(5_000)
      assert.equal(await settled(1), 1)
      await rekeyd.rotate('token')
      await rekeyd.rotate('token')
      assert.equal(backups(), 1)
      await clock.advance(5_000)
      assert.equal(await settled(2), 2)
      const metrics = await rekeyd.metrics()
      assert.match(metrics, /^rekeyd_backup_last_success_timestamp_seconds \d+/m)
    } finally {
      await rekeyd.close()
      rmSync(folder, { recursive: true })
    }
  })
})
