import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ed25519 } from '../../src/materials/ed25519.ts'
import type { Kind, KindType } from '../../src/materials/kind.ts'
import { tls } from '../../src/materials/tls/tls.ts'
import { token } from '../../src/materials/token.ts'
import { vapid } from '../../src/materials/vapid.ts'
import { PublicKeys } from '../../src/operations/public-keys.ts'
import { editionOf } from '../../src/rotation/edition.ts'
import type { Store } from '../../src/store/store.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { alice, ScratchStore } from '../store/scratch-store.ts'

const signal = new AbortController().signal
const now = new FakeClock().now()

function kindOf<Options>(type: KindType<Options>, options: unknown): Kind {
  const context = { material: 'it', editionOf: async () => undefined }
  return type.create(type.schema.parse(options), context)
}

describe('PublicKeys', () => {
  let scratch: ScratchStore
  let store: Store
  beforeEach(async () => {
    scratch = new ScratchStore()
    store = await scratch.create()
  })
  afterEach(() => scratch.dispose())

  const publicKeys = (kind: Kind, type: string) =>
    new PublicKeys({
      keys: store.keys,
      schedule: store.schedule,
      materials: [{ name: 'it', type, kind }],
    })

  /** Stores a version; a second one makes the first retire. */
  async function put(kind: Kind, state: 'active' | 'prepared' = 'active') {
    if (kind.madeBy !== 'rekeyd') throw new TypeError('the consumer makes this kind')
    const made = await kind.generate({ material: 'it', now }, signal)
    return store.keys.put({ ...made, material: 'it', origin: 'generated' }, state, alice)
  }

  for (const [name, type, algorithm] of [
    ['vapid', vapid as KindType<unknown>, 'sha256'],
    ['ed25519', ed25519 as KindType<unknown>, undefined],
  ] as const) {
    it(`shows the public key of ${name}, which checks what the private one signs`, async () => {
      const kind = kindOf(type, {})
      const version = await put(kind)
      const view = await publicKeys(kind, name).of('it')
      const { jwk } = view?.current ?? {}
      assert.ok(jwk && kind.madeBy === 'rekeyd')
      assert.equal('d' in jwk, false)
      assert.equal(jwk['kid'], view?.current?.key_id)
      assert.match(view?.current?.key_id ?? '', /^[0-9a-f]{16}$/)
      const pem = await editionOf(store.keys, kind, version).bytes('private_key', 'pkcs8-pem')
      const signature = sign(algorithm, Buffer.from('claim'), createPrivateKey(pem.bytes))
      const key = createPublicKey({ key: jwk, format: 'jwk' })
      assert.equal(verify(algorithm, Buffer.from('claim'), key, signature), true)
    })
  }

  it('shows what browsers take for a VAPID key', async () => {
    const kind = kindOf(vapid as KindType<unknown>, {})
    const { attributes } = await put(kind)
    const view = await publicKeys(kind, 'vapid').of('it')
    assert.deepEqual(view?.current?.parts, { public_key: attributes['public_key'] })
    assert.equal(view?.current?.jwk?.['alg'], 'ES256')
  })

  it('shows the certificate of a TLS key pair, and nothing that is secret', async () => {
    const options = { issuer: 'self_signed', names: ['chat.example.com'] }
    const kind = kindOf(tls as KindType<unknown>, options)
    await put(kind)
    const view = await publicKeys(kind, 'tls').of('it')
    const { parts = {} } = view?.current ?? {}
    assert.equal(
      new X509Certificate(parts['certificate'] ?? '').checkHost('chat.example.com'),
      'chat.example.com',
    )
    assert.doesNotMatch(JSON.stringify(view), /PRIVATE KEY|private_key/)
    assert.equal(view?.current?.not_after !== undefined, true)
  })

  it('tells the announced from the retiring, and leaves out what has leaked', async () => {
    const kind = kindOf(vapid as KindType<unknown>, {})
    const first = await put(kind)
    const next = await put(kind, 'prepared')
    const keys = publicKeys(kind, 'vapid')
    store.schedule.set({ ...store.schedule.get('it'), due: now + 1_000 })
    const announced = await keys.of('it')
    assert.deepEqual(
      announced?.announced.map(({ version }) => version),
      [next.number],
    )
    assert.equal(announced?.announced[0]?.expected, new Date(now + 1_000).toISOString())

    const overlapUntil = now + 5_000
    store.keys.change(
      [
        {
          material: 'it',
          number: first.number,
          event: 'retire',
          overlapUntil,
          keepUntil: now + 9_000,
        },
        { material: 'it', number: next.number, event: 'activate' },
      ],
      alice,
    )
    const rotated = await keys.of('it')
    assert.equal(rotated?.current?.version, next.number)
    assert.deepEqual(
      rotated?.retiring.map(({ version, until }) => [version, until]),
      [[first.number, new Date(overlapUntil).toISOString()]],
    )

    store.keys.compromise('it', [first.number, next.number], alice)
    const leaked = await keys.of('it')
    assert.equal(leaked?.current?.compromised, true)
    assert.deepEqual(leaked?.retiring, [])
  })

  it('shows the value that was observed of what a consumer makes', async () => {
    const kind: Kind = { madeBy: 'consumer', offline: false, observe: async () => undefined }
    store.keys.put(
      { material: 'it', origin: 'adopted', parts: {}, fingerprint: 'BPub', attributes: {} },
      'active',
      alice,
    )
    const view = await publicKeys(kind, 'consumer-made').of('it')
    assert.deepEqual(view?.current?.parts, { value: 'BPub' })
  })

  it('knows nothing but what it was given', async () => {
    const kind = kindOf(token as KindType<unknown>, { bytes: 32 })
    await put(kind)
    const keys = new PublicKeys({ keys: store.keys, schedule: store.schedule, materials: [] })
    assert.equal(await keys.of('it'), undefined)
    // Should the configuration be wrong about a kind, there is still nothing to show.
    const shown = await publicKeys(kind, 'token').of('it')
    assert.deepEqual(shown?.current?.parts, {})
  })
})
