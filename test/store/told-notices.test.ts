import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ScratchStore } from './scratch-store.ts'

describe('the notices that got through', () => {
  let scratch: ScratchStore
  beforeEach(() => {
    scratch = new ScratchStore()
  })
  afterEach(() => scratch.dispose())

  it('are known over restarts, by cause and channel', async () => {
    const store = await scratch.create()
    store.notices.note('suspended chat-tls', 'ntfy', 1_000.7)
    store.notices.note('suspended chat-tls', 'ntfy', 2_000)
    store.notices.note('suspended chat-tls', 'email', 3_000)
    store.notices.note('clock', 'email', 4_000)
    store.close()
    const again = await scratch.open()
    assert.deepEqual(again.notices.all(), [
      { cause: 'clock', channel: 'email', at: 4_000 },
      { cause: 'suspended chat-tls', channel: 'email', at: 3_000 },
      { cause: 'suspended chat-tls', channel: 'ntfy', at: 2_000 },
    ])
  })

  it('are forgotten by cause, on every channel', async () => {
    const store = await scratch.create()
    store.notices.note('suspended chat-tls', 'ntfy', 1)
    store.notices.note('suspended chat-tls', 'email', 1)
    store.notices.note('clock', 'email', 1)
    store.notices.forget('suspended chat-tls')
    assert.deepEqual(store.notices.all(), [{ cause: 'clock', channel: 'email', at: 1 }])
  })
})
