import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { PublicView } from '../../src/operations/public-keys.ts'
import { secretsIn } from '../campaigns/secret-copies.ts'
import { startReceiver } from '../notices/http-receiver.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'

interface Message {
  readonly type: string
  readonly data: PublicView & { readonly version: number }
}

/** A condition that a loaded machine may take its time for. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (let look = 0; look < 1_200 && !holds(); look += 1) await pause(50)
  assert.ok(holds(), what)
}

describe('an application that is told of public parts', () => {
  const key = randomBytes(32)
  const secrets = new Map<string, string>()
  let folder: string
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  let rekeyd: ScratchRekeyd | undefined

  const yaml = () => `
public:
  listen: "127.0.0.1:0"
  webhook: { url: ${receiver.origin}/rekeyd, secret: { file: ${receiver.secret('key', `whsec_${key.toString('base64')}`).file} } }
materials:
  push: { kind: vapid, public: true, rotate: { every: 30d }, overlap: 30d, verify: none, on_missing: create, targets: [{ file: { path: ${folder}/push, part: private_key, format: base64url } }] }
  silent: { kind: vapid, rotate: { every: 30d }, verify: none, on_missing: create, targets: [{ file: { path: ${folder}/silent, part: private_key, format: base64url } }] }
`
  const start = async () => {
    rekeyd = await openRekeyd(folder, yaml())
    await rekeyd.start()
  }
  const stop = async () => {
    await rekeyd?.close()
    rekeyd = undefined
  }
  const rotate = async (name: string) => {
    assert.equal((await rekeyd?.rotate(name))?.result, 'applied_unproved')
    secrets.set(`${name} ${secrets.size}`, readFileSync(join(folder, name), 'utf8').trim())
  }
  const messages = () => receiver.taken.map((body) => JSON.parse(body) as Message)
  const said = () => messages().map(({ type, data }) => `${type} ${data.version}`)

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-public-webhook-'))
    receiver = await startReceiver('fails once')
    secrets.set('the key of the webhook', key.toString('base64'))
  })
  after(async () => {
    await stop()
    await receiver.stop()
    rmSync(folder, { recursive: true })
  })

  it('hears after a restart what it refused before, under the same id', async () => {
    await start()
    await until('nothing was posted', () => receiver.requests.length === 1)
    const metrics = () => rekeyd?.metrics() ?? assert.fail()
    const failed = /rekeyd_notices_total\{channel="public",result="failed"\} 1\n/
    await until('the failure was not told of', () => rekeyd?.events.at(-1)?.type === 'notice')
    assert.match(await metrics(), failed)
    await stop()
    await start()
    await until('nothing was posted again', () => said().length === 1)
    assert.deepEqual(said(), ['version.active 1'])
    const [first, second] = receiver.requests.map(({ headers }) => headers['webhook-id'])
    assert.equal(first, second)
  })

  it('hears which key retires and which one is there, in this order, and no rotation waits', async () => {
    await rotate('silent')
    await rotate('push')
    await until('the rotation was not told', () => said().length === 3)
    assert.deepEqual(said().slice(1), ['version.retired 1', 'version.active 2'])
    const { name, current, retiring } = messages().at(-1)?.data ?? assert.fail()
    assert.deepEqual(
      [name, current?.version, retiring.map(({ version }) => version)],
      ['push', 2, [1]],
    )
    assert.ok(Date.parse(retiring[0]?.until ?? '') > Date.now())
  })

  it('hears of a leak', async () => {
    const caller = { who: 'cli:operator' }
    await rekeyd?.operations.compromise('push', {}, caller)
    await until('nobody was told of it', () => said().includes('version.compromised 2'))
    await until('the new one was not told', () => said().includes('version.active 3'))
    const { current, retiring } = messages().at(-1)?.data ?? assert.fail()
    assert.deepEqual([current?.version, retiring], [3, []])
  })

  it('can check each signature as Standard Webhooks say', () => {
    assert.ok(receiver.requests.length > 4)
    for (const { headers, body } of receiver.requests) {
      const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.')
      const mac = createHmac('sha256', key).update(signed).digest('base64')
      assert.equal(headers['webhook-signature'], `v1,${mac}`)
      assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 600)
    }
  })

  it('is told no secret, and nothing of what is not public', () => {
    secrets.set('the last one', readFileSync(join(folder, 'push'), 'utf8').trim())
    const shown = receiver.requests.map((one) => JSON.stringify(one)).join()
    assert.ok(secrets.size >= 4 && shown.length > 1_000)
    assert.deepEqual(secretsIn(Buffer.from(shown), secrets), [])
    assert.doesNotMatch(shown, /silent/)
  })
})
