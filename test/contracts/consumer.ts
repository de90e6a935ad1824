import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Consumer, verbs } from '../../src/consumers/consumer.ts'
import type { Place } from '../../src/targets/target.ts'

/** A consumer that runs, and a way to see it that does not go through rekeyd. */
export interface ConsumerFixture {
  readonly consumer: Consumer
  isRunning(): boolean | Promise<boolean>
  dispose(): Promise<void>
}

const never = new AbortController().signal

export function place(reads: Place['reads']): Place {
  return { path: '/etc/app/secret', reads }
}

/** What holds for every consumer that can be stopped (src/consumers/consumer.ts). */
export function describeConsumer(name: string, create: () => Promise<ConsumerFixture>): void {
  describe(`the consumer contract, by ${name}`, () => {
    let fixture: ConsumerFixture
    beforeEach(async () => {
      fixture = await create()
    })
    afterEach(() => fixture.dispose())

    it('passes the check of a consumer that exists', async () => {
      await fixture.consumer.check(never)
      assert.equal(await fixture.isRunning(), true)
    })

    it('returns from stop when it no longer runs, as often as asked', async () => {
      assert.equal(fixture.consumer.canStop, true)
      await fixture.consumer.stop(never)
      assert.equal(await fixture.isRunning(), false)
      await fixture.consumer.stop(never)
      assert.equal(await fixture.isRunning(), false)
    })

    it('starts it, as often as asked', async () => {
      await fixture.consumer.stop(never)
      await fixture.consumer.start(never)
      assert.equal(await fixture.isRunning(), true)
      await fixture.consumer.start(never)
      assert.equal(await fixture.isRunning(), true)
    })

    it('runs after a restart, also when it did not run before', async () => {
      await fixture.consumer.apply('restart', never)
      assert.equal(await fixture.isRunning(), true)
      await fixture.consumer.stop(never)
      await fixture.consumer.apply('restart', never)
      assert.equal(await fixture.isRunning(), true)
    })

    it('leaves it alone for the verb none', async () => {
      await fixture.consumer.stop(never)
      await fixture.consumer.apply('none', never)
      assert.equal(await fixture.isRunning(), false)
    })

    it('does nothing once the signal is aborted', async () => {
      const aborted = AbortSignal.abort(new Error('enough'))
      await assert.rejects(fixture.consumer.stop(aborted))
      assert.equal(await fixture.isRunning(), true)
    })

    it('does not promise a new environment to a process that keeps running', () => {
      for (const verb of ['none', 'signal', 'reload'] as const) {
        assert.equal(fixture.consumer.picksUp(verb, place('environment')), false)
        assert.equal(fixture.consumer.picksUp(verb, place('database')), false)
      }
      assert.equal(fixture.consumer.picksUp('restart', place('file')), true)
      assert.equal(fixture.consumer.picksUp('stop-start', place('database')), true)
      for (const reads of ['file', 'command', 'database'] as const) {
        assert.ok(verbs.some((verb) => fixture.consumer.picksUp(verb, place(reads))))
      }
    })
  })
}
