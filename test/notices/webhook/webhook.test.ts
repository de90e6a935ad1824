import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { SecretBytes } from '../../../src/model/secret-bytes.ts'
import { signatureHeaders } from '../../../src/notices/webhook/signature.ts'
import { webhook } from '../../../src/notices/webhook/webhook.ts'
import { describeChannel } from '../../contracts/channel.ts'
import { testCertificate } from '../../fakes/test-certificate.ts'
import { needs } from '../../support/parts.ts'
import { startReceiver } from '../http-receiver.ts'
import { noticeLike } from '../sample.ts'

const key = Buffer.alloc(32, 'canary')
const secret = `whsec_${key.toString('base64')}`
const snippet = join(import.meta.dirname, '../../../deploy/examples/verify-webhook.js')

for (const format of ['json', 'slack'] as const) {
  describeChannel(`webhook as ${format}`, async (behaviour) => {
    const receiver = await startReceiver(behaviour)
    const options = webhook.schema.parse({
      url: `${receiver.origin}/services/path-secret`,
      secret: receiver.secret('secret', secret),
      format,
    })
    return {
      ...receiver,
      channel: webhook.create(options),
      secrets: [secret, secret.slice(6), 'path-secret'],
    }
  })
}

describe('the webhook channel', () => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  const signal = AbortSignal.timeout(60_000)
  beforeEach(async () => {
    receiver = await startReceiver('ok')
  })
  afterEach(() => receiver.stop())

  const send = async (options: object = {}) => {
    const parsed = webhook.schema.parse({ url: receiver.origin, ...options })
    await webhook.create(parsed).send(noticeLike(), signal)
    return receiver.requests.at(-1) ?? assert.fail()
  }
  const signed = () => send({ secret: receiver.secret('secret', secret) })

  it('says what it is about, in the form of Standard Webhooks', async () => {
    const { headers, body } = await send()
    assert.deepEqual(JSON.parse(body), {
      type: 'notice.suspended',
      timestamp: '2027-01-01T00:00:00.000Z',
      data: {
        host: 'chat-1',
        severity: 'critical',
        title: 'chat-tls is suspended: it is not tried any more',
        lines: ['the server did not start <1 & 2>', 'Try again: `rekeyd resume chat-tls`'],
        materials: ['chat-tls'],
        command: 'rekeyd resume chat-tls',
      },
    })
    assert.equal(headers['webhook-signature'], undefined)
  })

  it('gives Slack a text, with its three special characters escaped', async () => {
    const { body } = await send({ format: 'slack' })
    assert.deepEqual(JSON.parse(body), {
      text:
        '*chat-1: chat-tls is suspended: it is not tried any more*\n' +
        'the server did not start &lt;1 &amp; 2&gt;\nTry again: `rekeyd resume chat-tls`\n',
    })
  })

  it('is signed so that openssl comes to the same', needs('openssl'), async () => {
    const { headers, body } = await signed()
    const [id, time] = [headers['webhook-id'], headers['webhook-timestamp']]
    assert.equal(id, 'msg_1')
    assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 60)
    const argv = ['dgst', '-sha256', '-mac', 'HMAC', '-macopt', `hexkey:${key.toString('hex')}`]
    const mac = execFileSync('openssl', [...argv, '-binary'], { input: [id, time, body].join('.') })
    assert.equal(headers['webhook-signature'], `v1,${mac.toString('base64')}`)
  })

  it('passes the check in deploy/examples, and nothing that was changed does', async () => {
    const { headers, body } = await signed()
    const check = (changed: { headers?: object; body?: string; secret?: string } = {}) =>
      spawnSync(process.execPath, [snippet], {
        input: JSON.stringify({ secret, headers, body, ...changed }),
        encoding: 'utf8',
      })
    const good = check()
    assert.equal(good.status, 0, good.stderr)
    assert.equal(good.stdout, 'notice.suspended\n')
    const old = { ...headers, 'webhook-timestamp': '1000000000' }
    const other = { ...headers, 'webhook-id': 'msg_2' }
    assert.equal(check({ body: `${body} ` }).status, 1)
    assert.equal(check({ headers: old }).status, 1)
    assert.equal(check({ headers: other }).status, 1)
    assert.equal(check({ secret: `whsec_${Buffer.alloc(32).toString('base64')}` }).status, 1)
  })

  it('refuses a secret that is none, before anything is sent', async () => {
    for (const bad of ['whsec_short', 'not base64!', `whsec_${'A'.repeat(20)}`]) {
      const file = receiver.secret('bad', bad)
      await assert.rejects(send({ secret: file }), /the secret of the webhook is not 24 bytes/)
    }
    assert.equal(receiver.requests.length, 0)
  })

  it('trusts no certificate but one that holds', needs('openssl'), async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-webhook-'))
    const { key, cert } = testCertificate()
    const server = createServer({ key, cert }, (_question, reply) => void reply.end('{}'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const ca = join(folder, 'ca.pem')
      writeFileSync(ca, cert)
      const to = (options: object) =>
        webhook.create(webhook.schema.parse({ url, ...options })).send(noticeLike(), signal)
      await assert.rejects(to({}), /could not be asked \(DEPTH_ZERO_SELF_SIGNED_CERT\)/)
      await to({ ca })
    } finally {
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('reads no more than 64 KiB of an answer', async () => {
    const { startHttpServer } = await import('../../fakes/http-server.ts')
    const flood = await startHttpServer((_question, reply) => {
      const more = () => {
        while (!reply.destroyed && reply.write('x'.repeat(65_536)));
      }
      reply.on('drain', more)
      more()
    })
    try {
      await assert.rejects(send({ url: flood.origin }), /answers more than 64 KiB/)
    } finally {
      await flood.stop()
    }
  })
})

describe('signatureHeaders', () => {
  it('gives the example of Standard Webhooks', () => {
    const example = SecretBytes.fromText('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    const signed = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330,
      body: '{"test": 2432232314}',
    }
    const headers = signatureHeaders(example, signed)
    assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })
})
