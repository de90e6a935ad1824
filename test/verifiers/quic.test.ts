import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { quic } from '../../src/verifiers/quic.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { startQuicServer } from '../fakes/quic-server.ts'
import { testCertificate } from '../fakes/test-certificate.ts'
import { needs } from '../support/parts.ts'

const never = new AbortController().signal
const create = (connect: string, alpn = 'qpc') =>
  quic.create(quic.schema.parse({ connect, servername: 'localhost', alpn }), noContext)

describeVerifier(
  'quic',
  async () => {
    const [first, second] = [testCertificate(), testCertificate()]
    const server = await startQuicServer(first, 'qpc')
    return {
      verifier: create(server.address),
      first: first.edition,
      second: second.edition,
      switchToSecond: () => server.serve(second),
      stop: () => server.stop(),
      dispose: () => server.stop(),
    }
  },
  needs('quic', 'openssl'),
)

describe('quic verifier', needs('quic', 'openssl'), () => {
  it('cannot tell when the server speaks another protocol', async () => {
    const certificate = testCertificate()
    const server = await startQuicServer(certificate, 'qpc')
    try {
      const asked = create(server.address, 'h3').accepts(certificate.edition, never)
      await assert.rejects(asked, { message: `${server.address} does not speak h3` })
    } finally {
      await server.stop()
    }
  })

  it('survives a port that answers nonsense', async () => {
    const socket = createSocket('udp4')
    socket.on('message', (_, { port, address }) =>
      socket.send(Buffer.alloc(64, 0xff), port, address),
    )
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    try {
      const verifier = create(`127.0.0.1:${socket.address().port}`)
      await assert.rejects(verifier.ready(AbortSignal.timeout(300)), { name: 'TimeoutError' })
    } finally {
      socket.close()
    }
  })

  it('wants a protocol and a name', () => {
    const connect = '127.0.0.1:7000'
    assert.equal(quic.schema.safeParse({ connect, servername: 'a' }).success, false)
    assert.equal(quic.schema.safeParse({ connect, alpn: 'qpc' }).success, false)
  })
})
