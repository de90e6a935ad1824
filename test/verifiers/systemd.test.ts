import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Clock, systemClock } from '../../src/support/clock.ts'
import { createSystemdVerifier, systemd } from '../../src/verifiers/systemd.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { FakeSystemctl } from '../fakes/fake-systemctl.ts'

const never = new AbortController().signal
/** Does not wait. */
const clock: Clock = { ...systemClock, sleep: async () => {} }
const verifierOf = (fake: FakeSystemctl) =>
  createSystemdVerifier({ unit: 'app.service', systemctl: fake.path }, clock)

describeVerifier('systemd', async () => {
  const fake = await FakeSystemctl.create()
  return {
    verifier: verifierOf(fake),
    first: fakeEdition('1'),
    second: fakeEdition('2'),
    switchToSecond() {},
    stop: async () => fake.set('active', 'inactive'),
    dispose: () => fake.dispose(),
  }
})

describe('systemd verifier', () => {
  let fake: FakeSystemctl
  beforeEach(async () => {
    fake = await FakeSystemctl.create()
  })
  afterEach(() => fake.dispose())

  it('does not claim to prove a version', () => {
    assert.equal(systemd.create({ unit: 'app.service' }, noContext).proves, false)
  })

  it('says how a unit failed', async () => {
    fake.set('active', 'failed')
    fake.set('result', 'exit-code')
    const verdict = await verifierOf(fake).ready(never)
    assert.deepEqual(verdict, { yes: false, reason: 'is failed (running), result exit-code' })
  })

  it('notices a unit that dies and is started again', async () => {
    fake.mode('flap')
    const verdict = await verifierOf(fake).ready(never)
    assert.deepEqual(verdict, { yes: false, reason: 'was started again meanwhile' })
  })

  it('cannot tell when the manager cannot be asked', async () => {
    fake.mode('fail-show')
    await assert.rejects(verifierOf(fake).ready(never), /systemctl show app\.service failed/)
  })

  it('cannot tell when the manager says what is no state, nothing, or not which run it is', async () => {
    for (const [name, value] of [
      ['active', 'active\nActiveState=failed'],
      ['active', '\u001b[31mactive'],
      ['active', ''],
      ['result', 'x'.repeat(100_000)],
      ['invocation', ''],
    ] as const) {
      const fresh = await FakeSystemctl.create()
      fresh.set(name, value)
      await assert.rejects(verifierOf(fresh).ready(never), /does not say/)
      await fresh.dispose()
    }
  })
})
