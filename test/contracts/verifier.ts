import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Edition } from '../../src/model/version.ts'
import type { Verifier, VerifierContext } from '../../src/verifiers/verifier.ts'
import type { needs } from '../support/parts.ts'

/** A consumer that uses the first of two editions, and can be made to use the second. */
export interface VerifierFixture {
  readonly verifier: Verifier
  readonly first: Edition
  readonly second: Edition
  switchToSecond(): void | Promise<void>
  /** Takes the consumer down; further methods cannot tell anything then. */
  stop(): Promise<void>
  dispose(): Promise<void>
}

const never = new AbortController().signal

export const noContext: VerifierContext = {
  targets: [],
  editionOf: async () => undefined,
  stateDir: '/var/lib/rekeyd',
  storeKey: { credential: 'store-key' },
}

/** What holds for every verifier (src/verifiers/verifier.ts). */
export function describeVerifier(
  name: string,
  create: () => Promise<VerifierFixture>,
  options: ReturnType<typeof needs> = { skip: false },
): void {
  describe(`the verifier contract, by ${name}`, options, () => {
    let fixture: VerifierFixture
    beforeEach(async () => {
      fixture = await create()
    })
    afterEach(() => fixture.dispose())

    it('accepts what is in use', async () => {
      const { verifier, first } = fixture
      assert.deepEqual(await verifier.accepts(first, never), { yes: true })
    })

    it('tells the versions apart, if it claims to prove them', async () => {
      const { verifier, first, second } = fixture
      if (!verifier.proves) return
      assert.equal((await verifier.accepts(second, never)).yes, false)
      await fixture.switchToSecond()
      assert.deepEqual(await verifier.accepts(second, never), { yes: true })
      const verdict = await verifier.accepts(first, never)
      assert.ok(!verdict.yes && verdict.reason.length > 0)
    })

    it('sees whether the previous version is refused', async () => {
      const { verifier, first, second } = fixture
      if (!verifier.refuses) return
      assert.equal((await verifier.refuses(first, never)).yes, false)
      assert.deepEqual(await verifier.refuses(second, never), { yes: true })
      await fixture.switchToSecond()
      assert.deepEqual(await verifier.refuses(first, never), { yes: true })
    })

    it('is ready whichever version is in use', async () => {
      assert.deepEqual(await fixture.verifier.ready(never), { yes: true })
      await fixture.switchToSecond()
      assert.deepEqual(await fixture.verifier.ready(never), { yes: true })
    })

    it('is not ready, and proves nothing, when the consumer is down', async () => {
      const { verifier, first } = fixture
      await fixture.stop()
      const proof = verifier.accepts(first, never)
      await Promise.all([
        verifier.proves
          ? assert.rejects(proof)
          : proof.then((verdict) => assert.equal(verdict.yes, false)),
        verifier.refuses && assert.rejects(verifier.refuses(first, never)),
        verifier.ready(never).then(
          (verdict) => assert.equal(verdict.yes, false),
          () => undefined,
        ),
      ])
    })

    it('rejects with the reason of an aborted signal', async () => {
      const reason = new Error('enough')
      const aborted = AbortSignal.abort(reason)
      await assert.rejects(fixture.verifier.accepts(fixture.first, aborted), reason)
      await assert.rejects(fixture.verifier.ready(aborted), reason)
    })
  })
}
