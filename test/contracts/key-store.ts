import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { KeyStore, NewVersion } from '../../src/store/key-store.ts'

export interface KeyStoreFixture {
  readonly keys: KeyStore
  dispose(): void
}

const actor = { who: 'cli:alice', why: 'test' }

function made(text: string, extra: Partial<NewVersion> = {}): NewVersion {
  const parts = { private_key: SecretBytes.fromText(text), note: SecretBytes.fromText('') }
  return { material: 'vapid', origin: 'generated', parts, attributes: { form: 'raw' }, ...extra }
}

/** What holds for every key store (src/store/key-store.ts). */
export function describeKeyStore(name: string, create: () => Promise<KeyStoreFixture>): void {
  describe(`the key store contract, by ${name}`, () => {
    let fixture: KeyStoreFixture
    let keys: KeyStore
    beforeEach(async () => {
      fixture = await create()
      keys = fixture.keys
    })
    afterEach(() => fixture.dispose())

    it('gives back what was put, by number, as active and in the list', () => {
      const first = keys.put(made('one', { notBefore: 5, notAfter: 9 }), 'active', actor)
      const second = keys.put(made('two'), 'prepared', actor)
      assert.deepEqual([first.number, first.state], [1, 'active'])
      assert.deepEqual([first.notBefore, first.notAfter], [5, 9])
      assert.deepEqual([second.number, second.state], [2, 'prepared'])
      assert.equal('notBefore' in second, false)
      assert.deepEqual(keys.get('vapid', 1), first)
      assert.deepEqual(keys.active('vapid'), first)
      assert.deepEqual(keys.list('vapid'), [second, first])
      assert.deepEqual(keys.materials(), ['vapid'])
      assert.deepEqual(first.attributes, { form: 'raw' })
    })

    it('gives back every part of the secret', () => {
      keys.put(made('one'), 'active', actor)
      const parts = keys.secret('vapid', 1)
      assert.deepEqual(Object.keys(parts).toSorted(), ['note', 'private_key'])
      assert.equal(parts['private_key']?.bytes.toString(), 'one')
      assert.equal(parts['note']?.length, 0)
    })

    it('knows nothing of a material that was never put', () => {
      assert.equal(keys.get('vapid', 1), undefined)
      assert.equal(keys.active('vapid'), undefined)
      assert.deepEqual(keys.list('vapid'), [])
      assert.deepEqual(keys.materials(), [])
      assert.throws(() => keys.secret('vapid', 1), { kind: 'not-found' })
    })

    it('makes no version active that has leaked, neither a new one nor one from before', () => {
      keys.put(made('one'), 'active', actor)
      keys.put(made('two'), 'prepared', actor)
      keys.change([{ material: 'vapid', number: 1, event: 'withdraw' }], actor)
      keys.compromise('vapid', [1, 2], actor)
      for (const [number, event] of [
        [1, 'reactivate'],
        [2, 'activate'],
      ] as const) {
        const change = () => keys.change([{ material: 'vapid', number, event }], actor)
        assert.throws(change, { kind: 'refused', message: /never becomes active/ })
      }
      assert.equal(keys.active('vapid'), undefined)
    })

    it('never uses a number twice, also after everything is destroyed', () => {
      for (const number of [1, 2, 3]) {
        assert.equal(keys.put(made('x'), 'prepared', actor).number, number)
        keys.change([{ material: 'vapid', number, event: 'abandon' }], actor)
        keys.destroy('vapid', number, actor)
      }
      assert.equal(keys.put(made('x', { material: 'other' }), 'prepared', actor).number, 1)
    })

    it('lets one version take the place of another in one change, in either order', () => {
      keys.put(made('one'), 'active', actor)
      keys.put(made('two'), 'prepared', actor)
      keys.change(
        [
          { material: 'vapid', number: 2, event: 'activate' },
          { material: 'vapid', number: 1, event: 'retire', overlapUntil: 7, keepUntil: 8 },
        ],
        actor,
      )
      assert.equal(keys.active('vapid')?.number, 2)
      const old = keys.get('vapid', 1)
      assert.deepEqual([old?.state, old?.overlapUntil, old?.keepUntil], ['retiring', 7, 8])
      keys.change(
        [
          { material: 'vapid', number: 2, event: 'withdraw' },
          { material: 'vapid', number: 1, event: 'reactivate' },
        ],
        actor,
      )
      assert.equal(keys.active('vapid')?.number, 1)
      assert.equal(keys.active('vapid')?.overlapUntil, undefined)
    })

    it('refuses what the lifecycle table does not have, and then changes nothing at all', () => {
      keys.put(made('one'), 'active', actor)
      keys.put(made('two'), 'prepared', actor)
      const before = keys.list('vapid')
      const change = (...events: (readonly [number, 'activate' | 'retire' | 'reactivate'])[]) =>
        keys.change(
          events.map(([number, event]) => ({ material: 'vapid', number, event })),
          actor,
        )
      assert.throws(() => change([2, 'activate']), RangeError)
      assert.throws(() => change([1, 'retire'], [2, 'reactivate']), RangeError)
      assert.throws(() => change([1, 'retire'], [3, 'activate']), { kind: 'not-found' })
      assert.throws(() => keys.destroy('vapid', 1, actor), RangeError)
      assert.throws(() => keys.put(made('three'), 'active', actor), RangeError)
      assert.deepEqual(keys.list('vapid'), before)
      assert.equal(keys.put(made('four'), 'prepared', actor).number, 3)
    })

    it('never gives a compromised version back', () => {
      keys.put(made('one'), 'active', actor)
      keys.compromise('vapid', [1], actor)
      assert.equal(keys.active('vapid')?.compromised, true)
      keys.change([{ material: 'vapid', number: 1, event: 'retire' }], actor)
      const again = [{ material: 'vapid', number: 1, event: 'reactivate' }] as const
      assert.throws(() => keys.change(again, actor), { kind: 'refused' })
    })

    it('marks several versions at once, or none, and keeps what a person chose with the mark', () => {
      keys.put(made('one'), 'active', actor)
      keys.put(made('two'), 'prepared', actor)
      assert.throws(() => keys.compromise('vapid', [1, 7], actor), { kind: 'not-found' })
      assert.equal(keys.active('vapid')?.compromised, false)
      keys.compromise('vapid', [1], actor, 'old')
      keys.compromise('vapid', [2, 1], actor)
      assert.deepEqual(
        keys.list('vapid').map(({ compromised, onFailure }) => [compromised, onFailure]),
        [
          [true, undefined],
          [true, 'old'],
        ],
      )
      keys.compromise('vapid', [1], actor, 'stay-down')
      assert.equal(keys.active('vapid')?.onFailure, 'stay-down')
    })

    it('keeps the row of a destroyed version but not its bytes', () => {
      keys.put(made('one'), 'prepared', actor)
      keys.change([{ material: 'vapid', number: 1, event: 'abandon' }], actor)
      keys.destroy('vapid', 1, actor)
      assert.equal(keys.get('vapid', 1)?.state, 'destroyed')
      assert.throws(() => keys.secret('vapid', 1), { kind: 'refused' })
      assert.throws(() => keys.destroy('vapid', 1, actor), RangeError)
    })

    it('fingerprints secrets so that equal ones are equal, whatever the order of their parts', () => {
      const { fingerprint } = keys.put(made('one'), 'active', actor)
      const { private_key, note } = made('one').parts
      assert.match(fingerprint, /^hmac:[0-9a-f]{64}$/)
      if (!private_key || !note) throw new Error('unreachable')
      assert.equal(keys.fingerprint({ note, private_key }), fingerprint)
      assert.notEqual(keys.fingerprint({ note: private_key, private_key: note }), fingerprint)
      assert.equal(
        keys.put(made('x', { fingerprint: 'sha256:ab' }), 'prepared', actor).fingerprint,
        'sha256:ab',
      )
    })

    it('keeps the parts of a certificate request until it is closed', () => {
      assert.equal(keys.request('vapid'), undefined)
      keys.setRequest('vapid', made('asked').parts, actor)
      keys.setRequest('vapid', made('asked again').parts, actor)
      assert.equal(keys.request('vapid')?.['private_key']?.bytes.toString(), 'asked again')
      keys.setRequest('vapid', undefined, actor)
      assert.equal(keys.request('vapid'), undefined)
    })

    it('refuses to reveal what there is not', () => {
      keys.put(made('one'), 'active', actor)
      keys.revealed('vapid', 1, actor)
      assert.throws(() => keys.revealed('vapid', 2, actor), { kind: 'not-found' })
    })
  })
}
