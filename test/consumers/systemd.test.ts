import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Consumer } from '../../src/consumers/consumer.ts'
import { systemd } from '../../src/consumers/systemd.ts'
import { describeConsumer, place } from '../contracts/consumer.ts'
import { FakeSystemctl } from '../fakes/fake-systemctl.ts'

const never = new AbortController().signal

function consumerOf(fake: FakeSystemctl, options = {}): Consumer {
  return systemd.create(systemd.schema.parse({ unit: 'app', systemctl: fake.path, ...options }))
}

describeConsumer('systemd', async () => {
  const fake = await FakeSystemctl.create()
  return {
    consumer: consumerOf(fake),
    isRunning: () => fake.active === 'active',
    dispose: () => fake.dispose(),
  }
})

describe('systemd consumer', () => {
  const common = '--no-ask-password --no-pager'
  let fake: FakeSystemctl
  let consumer: Consumer
  beforeEach(async () => {
    fake = await FakeSystemctl.create()
    consumer = consumerOf(fake)
  })
  afterEach(() => fake.dispose())

  it('takes the bare name of a unit and adds .service', () => {
    assert.equal(systemd.schema.parse('app'), 'app.service')
    assert.equal(systemd.schema.parse('app@1.service'), 'app@1.service')
    for (const bad of ['', '--now', '-x.service', 'a b', 'a/b', '../a', 'a\n', 7]) {
      assert.equal(systemd.schema.safeParse(bad).success, false, String(bad))
    }
  })

  it('clears an earlier failure before it starts or restarts', async () => {
    await consumer.apply('restart', never)
    await consumer.start(never)
    assert.deepEqual(fake.takeCalls(), [
      `${common} reset-failed -- app.service`,
      `${common} restart -- app.service`,
      `${common} reset-failed -- app.service`,
      `${common} start -- app.service`,
    ])
  })

  it('starts although the earlier failure cannot be cleared', async () => {
    fake.mode('fail-reset-failed')
    await consumer.stop(never)
    await consumer.start(never)
    assert.equal(fake.active, 'active')
  })

  it('signals the main process and reloads by the unit', async () => {
    await consumer.apply('signal', never)
    await consumerOf(fake, { signal: 'SIGUSR2' }).apply('signal', never)
    await consumer.apply('reload', never)
    assert.deepEqual(fake.takeCalls(), [
      `${common} kill --signal=SIGHUP --kill-who=main -- app.service`,
      `${common} kill --signal=SIGUSR2 --kill-who=main -- app.service`,
      `${common} reload -- app.service`,
    ])
  })

  it("reaches the user's own manager", async () => {
    await consumerOf(fake, { scope: 'user' }).apply('reload', never)
    assert.deepEqual(fake.takeCalls(), [`${common} --user reload -- app.service`])
    assert.match(fake.environment, /^XDG_RUNTIME_DIR=\/run\/user\/\d+$/m)
    assert.doesNotMatch(fake.environment, /^(HOME|DBUS)/m)
  })

  it('waits until a stopping unit is inactive', async () => {
    fake.mode('linger')
    await consumer.stop(never)
    assert.equal(fake.active, 'inactive')
  })

  it('says so when something starts the unit right after it was stopped', async () => {
    fake.mode('trigger')
    await assert.rejects(consumer.stop(never), /app\.service runs again right after/)
  })

  it('takes a unit that failed while stopping for stopped', async () => {
    fake.mode('trigger')
    fake.set('active', 'failed')
    await consumer.stop(never)
  })

  it('refuses a unit that is absent or masked before anything is done', async () => {
    for (const load of ['not-found', 'masked', 'bad-setting']) {
      fake.set('load', load)
      await assert.rejects(consumer.check(never), new RegExp(`app\\.service .*${load}`))
    }
    assert.deepEqual(fake.takeCalls(), [])
  })

  it('names the missing permission and the rule that gives it', async () => {
    fake.mode('deny-restart')
    await assert.rejects(consumer.apply('restart', never), {
      message: 'systemctl restart app.service: not permitted',
      kind: 'refused',
      hint: /polkit rule for org\.freedesktop\.systemd1\.manage-units/,
    })
    fake.mode('deny-reset-failed')
    await assert.rejects(consumer.check(never), /reset-failed app\.service: not permitted/)
  })

  it('keeps the record of a failed unit when it only checks', async () => {
    fake.set('active', 'failed')
    await consumer.check(never)
    assert.deepEqual(fake.takeCalls(), [])
  })

  it('points to the journal when a job fails', async () => {
    fake.mode('fail-start')
    await assert.rejects(consumer.start(never), {
      message: 'systemctl start app.service failed (exit 1)',
      hint: /journalctl -u app\.service/,
    })
  })

  it('picks up everything by a new process, files by reload and signal', () => {
    for (const reads of ['file', 'environment', 'database', 'command'] as const) {
      assert.ok(consumer.picksUp('restart', place(reads)))
      assert.ok(consumer.picksUp('stop-start', place(reads)))
    }
    assert.ok(consumer.picksUp('reload', place('file')))
    assert.ok(!consumer.picksUp('reload', place('environment')))
    assert.ok(!consumer.picksUp('signal', place('database')))
  })
})
