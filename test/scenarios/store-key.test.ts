import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { StatusView } from '../../src/operations/views.ts'
import { openKeyFile, wrapIds } from '../../src/store/key-file.ts'
import { readStoreKey } from '../../src/store/store-key.ts'
import { genuineOpens } from '../support/databases.ts'
import { DaemonProcess } from './daemon-process.ts'
import { preamble } from './scratch-rekeyd.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')

describe('the key of the store, rotated like any other', () => {
  let folder: string
  const path = (name: string) => join(folder, 'rekeyd', name)
  const start = () =>
    DaemonProcess.start(path('rekeyd.yaml'), path('admin.sock'), join(folder, 'daemon.log'))
  const present = () => openKeyFile(path('state'), readStoreKey({ file: path('store.key') }))
  const rekeyd = (...argv: string[]) =>
    execFileSync(process.execPath, [program, ...argv, '--config', path('rekeyd.yaml'), '--json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  /** Heads of the audit log as the daemon's log has them: one for each row. */
  const headsInLog = () => {
    const lines = readFileSync(join(folder, 'daemon.log'), 'utf8').trim().split('\n')
    const heads = lines.flatMap(
      (line) => (JSON.parse(line) as { audit_head?: string }).audit_head ?? [],
    )
    const rows = heads.map((head) => Number(head.split(':')[0]))
    assert.deepEqual(
      rows,
      [...rows.keys()].map((index) => index + (rows[0] ?? 0)),
    )
    return heads
  }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-store-key-'))
    mkdirSync(join(folder, 'rekeyd'), { mode: 0o700 })
    const config = `${preamble(folder)}
materials:
  store-key: { kind: store-key, rotate: { every: 365d }, targets: [store_key], verify: [store_key] }
  token:
    kind: token
    rotate: { every: 30d }
    on_missing: create
    targets: [{ file: { path: ${path('token')} } }]
    verify: none
`
    writeFileSync(path('rekeyd.yaml'), config, { mode: 0o600 })
    await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('opens a running store by the new key alone, and the next start by it', async () => {
    const before = readStoreKey({ file: path('store.key') })
    const daemon = await start()
    try {
      const { id } = await daemon.ask<{ id: string }>('POST', '/v1/materials/store-key/rotate', {})
      const { result } = await daemon.ask<{ result: string }>('GET', `/v1/rotations/${id}?wait=1`)
      assert.equal(result, 'succeeded')
      const { keyId } = readStoreKey({ file: path('store.key') })
      assert.deepEqual(wrapIds(path('state')), [keyId])
      assert.notEqual(keyId, before.keyId)
    } finally {
      await daemon.stop()
    }
    const { materials } = JSON.parse(rekeyd('status')) as StatusView
    assert.deepEqual(
      materials.map(({ name, state, drift }) => [name, state, drift.length]),
      [
        ['store-key', 'idle', 0],
        ['token', 'idle', 0],
      ],
    )
  })

  it('leaves nothing that the leaked key opens, while the daemon runs on', async () => {
    const before = await present()
    const daemon = await start()
    try {
      await daemon.ask('POST', '/v1/materials/store-key/compromise', {})
      const opens = async (keys = before) =>
        genuineOpens(path('state/store.db'), {
          key: { form: 'raw', bytes: keys.databaseKey.bytes },
        })
      for (let look = 0; look < 200 && (await opens()); look += 1) await pause(50)
      assert.equal(await opens(), false)
      for (let look = 0; ; look += 1) {
        const again = daemon.ask<{ id: string }>('POST', '/v1/materials/token/rotate', {})
        const id = await again.then(
          (answer) => answer.id,
          () => undefined,
        )
        if (id === undefined && look < 100) {
          await pause(50)
          continue
        }
        const rotation = await daemon.ask<{ result: string }>('GET', `/v1/rotations/${id}?wait=1`)
        assert.equal(rotation.result, 'applied_unproved')
        break
      }
      const status = await daemon.ask<StatusView>('GET', '/v1/status')
      assert.deepEqual(
        status.materials.map(({ active }) => active?.version),
        [2, 2],
      )
      assert.equal(headsInLog().at(-1), status.audit_head)
    } finally {
      await daemon.stop()
    }
    assert.equal((JSON.parse(rekeyd('status')) as StatusView).materials.length, 2)
  })

  it('is changed for good by the CLI alone, too', async () => {
    rekeyd('rotate', 'token')
    const [before, token] = [await present(), readFileSync(path('token'), 'utf8')]
    rekeyd('compromise', 'store-key')
    const after = await present()
    assert.ok(!after.dataKey.equals(before.dataKey))
    const key = { form: 'raw', bytes: before.databaseKey.bytes } as const
    assert.equal(genuineOpens(path('state/store.db'), { key }), false)
    rekeyd('reveal', 'token', '--out', path('out'))
    assert.equal(readFileSync(path('out'), 'utf8'), token)
  })
})
