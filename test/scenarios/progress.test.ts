import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RotationView } from '../../src/operations/views.ts'
import { buildDatabase, genuineOpens, newKey } from '../support/databases.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'

/** Of a kilobyte each: about 100 MB. */
const rows = 70_000

describe('the re-encryption of a large database', () => {
  const key = newKey('passphrase')
  let folder: string
  let rekeyd: ScratchRekeyd
  const path = (name: string) => join(folder, name)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-large-'))
    buildDatabase(path('qpc.db'), { key, rows, journalMode: 'delete' })
    writeFileSync(path('env'), `DB_KEY=${key.bytes.toString()}\n`, { mode: 0o600 })
    rekeyd = await openRekeyd(
      folder,
      `
consumers:
  chat-server: { command: { stop: [/bin/true], start: [/bin/true] }, apply: stop-start, ready: [], dwell: 1s }
materials:
  db-key:
    kind: database-key
    form: passphrase
    rotate: { every: 365d }
    keep: 400d
    targets:
      - sqlcipher: { path: ${path('qpc.db')} }
      - env: { path: ${path('env')}, key: DB_KEY, dialect: systemd }
    consumers: [chat-server]
    verify: [{ sqlcipher: {} }]
`,
    )
  })
  after(async () => {
    await rekeyd.close()
    rmSync(folder, { recursive: true })
  })

  it('tells as an event and in the rotation how far it is, up to its end', async () => {
    const { size } = statSync(path('qpc.db'))
    const shown: Promise<RotationView>[] = []
    const stop = rekeyd.on((event) => {
      if (event.type === 'rotation.progress') shown.push(rekeyd.operations.rotation(event.id))
    })
    const { id } = await rekeyd.renew('db-key')
    stop()
    const heard = rekeyd.events.flatMap((event) =>
      event.type === 'rotation.progress' ? [event] : [],
    )
    const done = heard.map((event) => event.done)
    assert.ok(heard.length >= 3, `heard ${heard.length} times`)
    assert.deepEqual(
      done,
      done.toSorted((a, b) => a - b),
    )
    assert.ok(done.some((bytes) => bytes > 0 && bytes < size))
    assert.equal(done.at(-1), size)
    for (const { type: _, at: __, done: ___, doing: ____, ...where } of heard) {
      assert.deepEqual(where, {
        id,
        step: 'activate',
        material: 'db-key',
        place: path('qpc.db'),
        total: size,
        unit: 'bytes',
      })
    }
    const views = await Promise.all(shown)
    assert.ok(views.some(({ progress }) => progress?.total === size))
    assert.equal((await rekeyd.operations.rotation(id)).progress, undefined)
    assert.equal(genuineOpens(path('qpc.db'), { key }), false)
  })
})
