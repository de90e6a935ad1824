import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { after, describe, it } from 'node:test'
import { createServer } from 'node:tls'
import { tls } from '../../src/verifiers/tls.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { testCertificate } from '../fakes/test-certificate.ts'
import { needs } from '../support/parts.ts'

const never = new AbortController().signal
const create = (options: unknown) => tls.create(tls.schema.parse(options), noContext)

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const close = (server: Server) => new Promise<void>((resolve) => void server.close(() => resolve()))

describeVerifier(
  'tls',
  async () => {
    const [first, second] = [testCertificate(), testCertificate()]
    const server = createServer(first)
    const connect = await listen(server)
    return {
      verifier: create({ connect, servername: 'localhost' }),
      first: first.edition,
      second: second.edition,
      switchToSecond: () => server.setSecureContext(second),
      stop: () => close(server),
      dispose: () => close(server),
    }
  },
  needs('openssl'),
)

describe('tls verifier', needs('openssl'), () => {
  const servers: Server[] = []
  after(() => Promise.all(servers.map(close)))
  const serve = (server: Server) => {
    servers.push(server)
    return listen(server)
  }

  it('looks at the certificate of the name it asks for', async () => {
    const [plain, chat] = [testCertificate(), testCertificate()]
    const server = createServer(plain)
    server.addContext('chat.example.com', chat)
    const connect = await serve(server)
    const verifier = create({ connect, servername: 'chat.example.com' })
    assert.equal((await verifier.accepts(chat.edition, never)).yes, true)
    assert.equal((await create({ connect }).accepts(chat.edition, never)).yes, false)
  })

  it('cannot tell when another protocol is agreed on, or none', async () => {
    const certificate = testCertificate()
    const connect = await serve(createServer({ ...certificate, ALPNProtocols: ['h2'] }))
    const h2 = create({ connect, alpn: 'h2' })
    assert.equal((await h2.accepts(certificate.edition, never)).yes, true)
    const other = create({ connect, alpn: 'qpc' })
    await assert.rejects(other.accepts(certificate.edition, never))
    const without = create({ connect: await serve(createServer(certificate)), alpn: 'qpc' })
    await assert.rejects(without.accepts(certificate.edition, never), /does not speak qpc/)
  })

  it('cannot tell when what answers is not TLS, or hangs up', async () => {
    const talk = await serve(createTcpServer((socket) => socket.resume().end('220 hello\r\n')))
    const hangUp = await serve(createTcpServer((socket) => socket.destroy()))
    for (const connect of [talk, hangUp]) {
      await assert.rejects(create({ connect }).accepts(fakeEdition(''), never), (error: Error) =>
        error.message.startsWith(`${connect} could not be asked (`),
      )
    }
  })

  it('ends its question when it is aborted', async () => {
    const connect = await serve(createTcpServer((socket) => socket.on('error', () => {}).resume()))
    const asked = create({ connect }).ready(AbortSignal.timeout(50))
    await assert.rejects(asked, { name: 'TimeoutError' })
  })

  it('has nothing to compare for a material without a certificate', async () => {
    const connect = await serve(createServer(testCertificate()))
    const token = fakeEdition('', { fingerprint: `hmac:${'0'.repeat(64)}` })
    await assert.rejects(create({ connect }).accepts(token, never), /no certificate/)
  })

  it('takes hosts with ports only', () => {
    for (const connect of ['127.0.0.1:1', '[::1]:65535', 'chat.example.com:443']) {
      assert.ok(tls.schema.safeParse({ connect }).success, connect)
    }
    for (const connect of [
      '',
      '127.0.0.1',
      ':1',
      'a:0',
      'a:65536',
      '::1:5',
      'a:b:1',
      'a/b:1',
      'a:1x',
    ]) {
      assert.equal(tls.schema.safeParse({ connect }).success, false, connect)
    }
  })
})
