import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeAgeKey } from '../backup/scratch-keys.ts'
import { DaemonProcess } from './daemon-process.ts'
import { openRekeyd } from './scratch-rekeyd.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')

describe('rekeyd backup and restore, as one types them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-restore-'))
  const path = (name: string) => join(folder, name)
  const config = path('rekeyd/rekeyd.yaml')
  let backup = ''
  const rekeyd = (...argv: string[]) => {
    const all = [program, ...argv, '--config', config, '--json']
    const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' })
    return { exit: status, stderr, view: stdout === '' ? {} : JSON.parse(stdout) }
  }
  const restore = (...more: string[]) =>
    rekeyd('restore', backup, '--identity', path('identity'), ...more)
  before(async () => {
    const { recipient } = await makeAgeKey(path('identity'))
    const yaml = `
recovery: { recipients: [${recipient}] }
backup: { to: ${path('backups')} }
materials:
  token: { kind: token, rotate: { every: 30d }, on_missing: create, verify: none, targets: [{ file: { path: ${path('token')} } }] }
`
    await (await openRekeyd(folder, yaml)).close()
    const made = rekeyd('backup')
    assert.equal(made.exit, 0, made.stderr)
    backup = made.view.path
  })
  after(() => rmSync(folder, { recursive: true }))

  it('looks at a backup without changing anything', () => {
    const state = readdirSync(path('rekeyd/state'))
    const { exit, view } = restore('--check')
    assert.equal(exit, 0)
    assert.deepEqual(view.materials, ['token'])
    assert.equal(view.state_dir, undefined)
    assert.deepEqual(readdirSync(path('rekeyd/state')), state)
  })

  it('refuses to restore over a store, and beside a daemon', async () => {
    const refused = restore()
    assert.equal(refused.exit, 5)
    assert.match(refused.stderr, /exists already/)
    const daemon = await DaemonProcess.start(config, path('rekeyd/admin.sock'), path('log'))
    try {
      const beside = restore('--replace')
      assert.equal(beside.exit, 4)
      assert.match(beside.stderr, /in use by process/)
    } finally {
      await daemon.stop()
    }
  })

  it('moves the store that is there aside, and waits for adopt', () => {
    const held = readFileSync(path('token'))
    assert.equal(restore('--replace').exit, 0)
    const aside = readdirSync(path('rekeyd/state')).find((name) => name.startsWith('replaced-'))
    assert.ok(aside && existsSync(path(`rekeyd/state/${aside}/store.db`)))
    const { view } = rekeyd('status')
    assert.equal(view.materials[0].state, 'needs_attention')
    assert.deepEqual(readFileSync(path('token')), held)
    assert.equal(rekeyd('rotate', 'token', '--now').exit, 7)
    assert.equal(rekeyd('adopt', 'token').exit, 0)
    assert.equal(rekeyd('rotate', 'token', '--now').exit, 0)
    assert.notDeepEqual(readFileSync(path('token')), held)
  })

  it('says that there is no store, and makes nothing, where the state directory is gone', () => {
    renameSync(path('rekeyd/state'), path('away'))
    for (const command of ['run', 'status']) {
      const { exit, stderr } = rekeyd(command)
      assert.equal(exit, 4, stderr)
      assert.match(stderr, /there is no store/)
    }
    assert.equal(existsSync(path('rekeyd/state')), false)
    renameSync(path('away'), path('rekeyd/state'))
  })

  it('brings back a host of which only the backups are left, config and all', () => {
    renameSync(path('rekeyd'), path('lost'))
    const restored = restore()
    assert.equal(restored.exit, 0, restored.stderr)
    assert.equal(readFileSync(config, 'utf8'), readFileSync(path('lost/rekeyd.yaml'), 'utf8'))
    assert.notDeepEqual(
      readFileSync(path('rekeyd/store.key')),
      readFileSync(path('lost/store.key')),
    )
    assert.equal(rekeyd('status').view.materials[0].state, 'needs_attention')
  })

  it('says what is no backup and what is no key', () => {
    const junk = rekeyd('restore', path('identity'), '--identity', path('identity'), '--check')
    assert.equal(junk.exit, 1)
    assert.match(junk.stderr, /no identity opens the backup/)
    const noKey = rekeyd('restore', backup, '--identity', path('token'), '--check')
    assert.equal(noKey.exit, 2)
    assert.match(noKey.stderr, /holds no age identity/)
    assert.equal(noKey.stderr.includes(readFileSync(path('token'), 'utf8').trim()), false)
    const absent = rekeyd('restore', path('none'), '--identity', path('identity'))
    assert.equal(absent.exit, 1)
    assert.match(absent.stderr, /none/)
  })
})
