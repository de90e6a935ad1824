import { createHmac, randomBytes } from 'node:crypto'
import type { TestCertificate } from './test-certificate.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent }

/** A server on a free UDP port of this host that completes handshakes and nothing more. */
export async function startQuicServer({ key, cert }: TestCertificate, alpn: string) {
  const { QUICServer } = await import('@matrixai/quic')
  type Options = ConstructorParameters<typeof QUICServer>[0]
  const secret = Uint8Array.from(randomBytes(32)).buffer
  const sign = (key: ArrayBuffer, data: ArrayBuffer) =>
    createHmac('sha256', Buffer.from(key)).update(Buffer.from(data)).digest()
  const server = new QUICServer({
    crypto: {
      key: secret,
      ops: {
        sign: async (key, data) => Uint8Array.from(sign(key, data)).buffer,
        verify: async (key, data, signature) => sign(key, data).equals(Buffer.from(signature)),
      },
    },
    config: { key, cert, verifyPeer: false, applicationProtos: [alpn], maxIdleTimeout: 5_000 },
    logger: silent as unknown as NonNullable<Options['logger']>,
  })
  await server.start({ host: '127.0.0.1', port: 0 })
  let running = true
  return {
    address: `127.0.0.1:${server.port}`,
    serve: ({ key, cert }: TestCertificate) => server.updateConfig({ key, cert }),
    async stop() {
      if (running) await server.stop({ force: true })
      running = false
    },
  }
}
