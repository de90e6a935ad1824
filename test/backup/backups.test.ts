import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Backups } from '../../src/backup/backups.ts'
import { type Event, Events } from '../../src/model/events.ts'
import type { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { alice, ScratchStore } from '../store/scratch-store.ts'
import { makeAgeKey } from './scratch-keys.ts'

describe('the maker of backups', () => {
  let scratch: ScratchStore
  let store: Store
  let seen: Event[]
  let keys: SecretBytes[]
  let backups: Backups
  const path = (name: string) => join(scratch.folder, name)
  beforeEach(async () => {
    scratch = new ScratchStore()
    store = await scratch.create()
    seen = []
    keys = []
    writeFileSync(path('rekeyd.yaml'), '')
    const events = new Events()
    events.onAny((event) => void seen.push(event))
    const { recipient } = await makeAgeKey(path('identity'))
    backups = new Backups({
      store: {
        audit: store.audit,
        compromised: () => [],
        record: (actor, event) => store.record(actor, event),
        async copy() {
          const copy = await store.copy()
          keys.push(copy.key)
          return copy
        },
      },
      clock: new FakeClock(),
      events,
      stateDir: scratch.options.stateDir,
      configPath: path('rekeyd.yaml'),
      version: '1',
      recipients: [recipient],
      folder: { path: path('backups'), keep: 2 },
    })
  })
  afterEach(() => scratch.dispose())

  it('forgets the key of each, also of one that failed, and tells how it went', async () => {
    await backups.make(alice)
    rmSync(path('rekeyd.yaml'))
    await assert.rejects(backups.make(alice), /rekeyd\.yaml/)
    assert.equal(keys.length, 2)
    for (const { bytes } of keys) assert.ok(bytes.every((byte) => byte === 0))
    assert.deepEqual(
      seen.map((event) => 'ok' in event && event.ok),
      [true, false],
    )
  })
})
