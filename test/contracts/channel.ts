import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '../../src/notices/channel.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { noticeLike } from '../notices/sample.ts'

/** How the other side behaves. */
export type Behaviour = 'ok' | 'fails once' | 'refuses' | 'hangs' | 'slow' | 'garbage' | 'redirects'

/** A channel to a real server of this host that behaves so. */
export interface ChannelFixture {
  readonly channel: Channel
  /** The texts that arrived and were taken. */
  readonly taken: readonly string[]
  /** Where it may have been led astray to, if anybody came there. */
  readonly astray: readonly string[]
  /** What no error may say. */
  readonly secrets: readonly string[]
  stop(): Promise<void>
}

/** What holds for every channel (src/notices/channel.ts). */
export function describeChannel(
  name: string,
  open: (behaviour: Behaviour) => Promise<ChannelFixture>,
): void {
  describe(`the channel contract, by ${name}`, () => {
    const patient = () => AbortSignal.timeout(60_000)
    const against = async (
      behaviour: Behaviour,
      work: (fixture: ChannelFixture) => Promise<void>,
    ): Promise<void> => {
      const fixture = await open(behaviour)
      try {
        await work(fixture)
      } finally {
        await fixture.stop()
      }
    }
    const refused = async ({ channel, secrets }: ChannelFixture) => {
      const error: unknown = await channel.send(noticeLike(), patient()).catch((e: unknown) => e)
      assert.ok(error instanceof OperatorError, `no error for the operator: ${String(error)}`)
      for (const secret of secrets) {
        assert.ok(!`${error.message} ${error.hint}`.includes(secret), error.message)
      }
      return error
    }

    it(`hands the notice over whole, by ${name}`, () =>
      against('ok', async (fixture) => {
        await fixture.channel.send(noticeLike(), patient())
        const { taken } = fixture
        assert.equal(taken.length, 1)
        for (const part of ['chat-1', 'chat-tls is suspended', 'rekeyd resume chat-tls']) {
          assert.ok(taken[0]?.includes(part), `${part} is not in ${taken[0]}`)
        }
      }))

    it(`can be tried again with the same notice, by ${name}`, () =>
      against('fails once', async (fixture) => {
        await refused(fixture)
        assert.deepEqual(fixture.taken, [])
        await fixture.channel.send(noticeLike(), patient())
        assert.equal(fixture.taken.length, 1)
      }))

    it(`takes its time where the other side does, by ${name}`, () =>
      against('slow', async (fixture) => {
        const started = performance.now()
        await fixture.channel.send(noticeLike(), patient())
        assert.equal(fixture.taken.length, 1)
        assert.ok(performance.now() - started > 500, 'it was not slow')
      }))

    for (const behaviour of ['refuses', 'garbage', 'redirects'] as const) {
      it(`is refused, without a secret in the reason, where the other side ${behaviour}, by ${name}`, () =>
        against(behaviour, async (fixture) => {
          await refused(fixture)
          assert.deepEqual(fixture.astray, [])
        }))
    }

    it(`ends with its signal where the other side hangs, by ${name}`, () =>
      against('hangs', async ({ channel }) => {
        const stop = new AbortController()
        const sent = channel.send(noticeLike(), stop.signal)
        setTimeout(() => stop.abort(new Error('enough')), 100)
        const started = performance.now()
        await assert.rejects(sent)
        assert.ok(performance.now() - started < 5_000)
      }))

    it(`has room for the longest notice, by ${name}`, () =>
      against('ok', async (fixture) => {
        const lines = Array.from({ length: 200 }, () => '"\\ü'.repeat(5_000))
        const materials = Array.from({ length: 2_000 }, (_, index) => `material-${index}`)
        const notice = noticeLike({ title: 'x'.repeat(50_000), lines, materials })
        await fixture.channel.send(notice, patient())
        const { taken } = fixture
        assert.equal(taken.length, 1)
        assert.ok(Buffer.byteLength(taken[0] ?? '') <= 64 * 1024)
      }))
  })
}
