import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, awaitReady, dwell } from '../../src/rotation/proof.ts'
import type { Verdict } from '../../src/verifiers/verifier.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { MemoryConsumer, MemoryVerifier, MemoryWorld } from '../fakes/memory-world.ts'

const never = () => new Promise<Verdict>(() => {})

/** A consumer whose readiness is what `answers` say, the last one for ever; how often it was asked. */
function consumerWith(...answers: readonly (Verdict | Error)[]) {
  const consumer = new MemoryConsumer(new MemoryWorld(), 'server', [])
  const verifier = new MemoryVerifier(consumer, '/')
  const asked: number[] = []
  const clock = new HurryingClock()
  verifier.ready = async () => {
    asked.push(clock.sinceBoot())
    const answer = answers[Math.min(asked.length, answers.length) - 1]
    if (answer instanceof Error) throw answer
    return answer ?? { yes: true }
  }
  return { managed: consumer.managed({ ready: [verifier], dwell: 3_000 }), clock, asked }
}

const no: Verdict = { yes: false, reason: 'starting' }
const signal = new AbortController().signal

describe('ask', () => {
  it('waits for no verifier that does not heed its signal', async () => {
    const asking = new AbortController()
    const answer = ask(never, asking.signal)
    asking.abort(new Error('enough'))
    await assert.rejects(answer, /enough/)
  })
})

describe('awaitReady', () => {
  it('asks until yes, whether it was no before or could not be told', async () => {
    const { managed, clock, asked } = consumerWith(no, new Error('refused'), { yes: true })
    await awaitReady(managed, clock, signal)
    assert.equal(asked.length, 3)
  })

  it('gives up when the time to be ready is over', async () => {
    const { managed, clock } = consumerWith(no)
    const start = clock.sinceBoot()
    await assert.rejects(awaitReady(managed, clock, signal), /server is not ready .*: starting/)
    assert.equal(clock.sinceBoot() - start, managed.timeouts.ready)
  })
})

describe('dwell', () => {
  it('asks once a second until the end', async () => {
    const { managed, clock, asked } = consumerWith({ yes: true })
    const start = clock.sinceBoot()
    await dwell(managed, clock, signal)
    assert.deepEqual(
      asked.map((moment) => moment - start),
      [1_000, 2_000, 3_000],
    )
  })

  it('ends with the first no, or silence', async () => {
    for (const answer of [no, new Error('refused')]) {
      const { managed, clock } = consumerWith({ yes: true }, answer, { yes: true })
      await assert.rejects(dwell(managed, clock, signal), /server did not stay up/)
    }
  })
})
