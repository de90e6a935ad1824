import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Store } from '../../src/store/store.ts'
import { hasCode } from '../../src/support/operator-error.ts'
import { needs } from '../support/parts.ts'
import { alice, newVersion, ScratchStore } from './scratch-store.ts'

describe('a store on a full disk', needs('mount'), () => {
  let disk: string
  let scratch: ScratchStore
  let store: Store
  beforeEach(async () => {
    disk = mkdtempSync(join(tmpdir(), 'rekeyd-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16M', 'rekeyd-test', disk])
    scratch = new ScratchStore(disk)
    store = await scratch.create()
    store.keys.put(newVersion('vapid'), 'active', alice)
  })
  afterEach(() => {
    store.close()
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  })

  const ballast = () => join(disk, 'ballast')

  /** Leaves not one block. */
  function fillDisk(): void {
    for (const size of [65_536, 4_096, 1]) {
      try {
        for (;;) appendFileSync(ballast(), Buffer.alloc(size))
      } catch (error) {
        assert.ok(hasCode(error, 'ENOSPC'))
      }
    }
    assert.equal(statfsSync(disk).bavail, 0)
  }

  function begin(): string {
    const members = [{ material: 'vapid', from: 1, make: newVersion('vapid', 'next') }]
    return store.journal.begin({ trigger: 'manual', actor: alice, members, now: 1 }).rotation.id
  }

  /** A long log from an earlier rotation, but no free page in the database any more. */
  function useUpEarlierReserve(): void {
    const nothing = { result: 'failed', versions: [], schedules: [], now: 2 } as const
    store.journal.finish(begin(), nothing)
    store.keys.put(newVersion('large', Buffer.alloc(1_500_000)), 'prepared', alice)
  }

  for (const heldBytes of [0, 900_000]) {
    it(`goes all the way back after the disk filled up, having held ${heldBytes} bytes`, () => {
      if (heldBytes === 0) useUpEarlierReserve()
      const id = begin()
      if (heldBytes > 0) {
        const held = SecretBytes.copyOf(Buffer.alloc(heldBytes, 'x'))
        store.journal.hold(id, [{ material: 'vapid', target: 0, place: '/etc/key', held }])
      }
      fillDisk()
      for (let round = 0; round < 250; round++) {
        const step = store.journal.started(id, 'activate', `/etc/key-${round}`, 'forward', 2)
        store.journal.ended(id, step, 'failed', 3, 'no space left on device')
        if (round % 50 === 0) store.journal.turn(id, 'back', 'no space')
        if (round % 50 === 5) store.journal.again(id)
      }
      const to = store.journal.get(id)?.changes[0]?.to ?? 0
      const versions = [{ material: 'vapid', number: to, event: 'abandon' }] as const
      const schedules = [{ material: 'vapid', failures: 1, rollbacks: [4] }]
      store.journal.finish(id, { result: 'rolled_back', versions, schedules, now: 4 })
      assert.equal(store.journal.get(id)?.result, 'rolled_back')
      assert.equal(store.keys.get('vapid', to)?.state, 'withdrawn')
      assert.equal(store.audit.verify().ok, true)
    })
  }

  it('begins nothing, changes nothing, says so, and goes on once there is room', () => {
    fillDisk()
    const head = store.audit.head()
    assert.throws(begin, { name: 'OperatorError', message: /no space left for the store/ })
    assert.deepEqual(store.journal.history({ limit: 9 }), [])
    assert.deepEqual(
      store.keys.list('vapid').map(({ number }) => number),
      [1],
    )
    assert.deepEqual(store.audit.head(), head)
    rmSync(ballast())
    assert.equal(store.journal.get(begin())?.changes[0]?.to, 2)
  })
})
