import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stopOnSignal } from '../../../src/cli/session/stop-on-signal.ts'
import { FakeClock } from '../../fakes/fake-clock.ts'
import { FakeTerminal } from '../fake-terminal.ts'

function started() {
  const terminal = new FakeTerminal()
  const clock = new FakeClock()
  const stop = stopOnSignal(terminal, clock)
  return { terminal, clock, stop, press: () => terminal.listeners.get('SIGINT')?.() }
}

describe('stopping on a signal', () => {
  it('is asked for by SIGTERM and by Ctrl-C', () => {
    const { terminal, stop } = started()
    terminal.listeners.get('SIGTERM')?.()
    assert.ok(stop.signal.aborted)
    const other = started()
    other.press()
    assert.ok(other.stop.signal.aborted)
  })

  it('takes the copy of the same Ctrl-C that npm sends for no second one', () => {
    const { terminal, press } = started()
    press()
    press()
    assert.equal(terminal.exited, undefined)
  })

  it('ends the process at a second Ctrl-C', async () => {
    const { terminal, clock, press } = started()
    press()
    await clock.advance(2_000)
    press()
    assert.equal(terminal.exited, 130)
  })

  it('listens no longer once released', () => {
    const { terminal, stop } = started()
    stop.release()
    assert.equal(terminal.listeners.size, 0)
  })
})
