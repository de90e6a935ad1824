import { createHmac, randomBytes, webcrypto } from 'node:crypto'
import { text } from 'node:stream/consumers'
import type { QUICConnection, QUICStream } from '@matrixai/quic'

/** What the two listeners of a quicprochat server speak. */
export const alpn = { clients: 'qpc', federation: 'qpc-federation' } as const

/** One question on a stream of its own, and its answer, as JSON. */
export type Question = { readonly method: string } & Readonly<Record<string, string>>
export type Answer = { readonly error?: string } & Readonly<Record<string, string>>

const silent = { debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent }
const idle = 20_000

/** Serves QUIC on a UDP port of this host, with the pair given as PEM. */
export async function serveQuic(
  port: number,
  pair: { readonly key: string; readonly cert: string },
  protocol: string,
  answer: (question: Question) => Answer,
) {
  const { QUICServer, events } = await import('@matrixai/quic')
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
    config: { ...pair, verifyPeer: false, applicationProtos: [protocol], maxIdleTimeout: idle },
    logger: silent as unknown as NonNullable<Options['logger']>,
  })
  type Arrival<T> = { readonly detail: T }
  const onStream = ({ detail }: Arrival<QUICStream>) =>
    void serveStream(detail, answer).catch(() => {})
  const onConnection = ({ detail }: Arrival<QUICConnection>) =>
    detail.addEventListener(events.EventQUICConnectionStream.name, onStream)
  server.addEventListener(events.EventQUICServerConnection.name, onConnection)
  await server.start({ host: '127.0.0.1', port })
  return server
}

/** Asks a server on this host one question, whoever it is. */
export async function askQuic(port: number, question: Question): Promise<Answer> {
  const { client } = await connect(port, alpn.clients)
  try {
    const stream = client.connection.newStream()
    await write(stream, question)
    return JSON.parse(await text(stream.readable)) as Answer
  } finally {
    await client.destroy({ force: true })
  }
}

/** The certificates a server on this host serves, DER, the leaf first. */
export async function servedBy(port: number, protocol: string): Promise<readonly Uint8Array[]> {
  const { client, served } = await connect(port, protocol)
  await client.destroy({ force: true })
  return served
}

async function connect(port: number, protocol: string) {
  const { QUICClient } = await import('@matrixai/quic')
  type Options = Parameters<typeof QUICClient.createQUICClient>[0]
  const randomBytes = async (data: ArrayBuffer) =>
    void webcrypto.getRandomValues(new Uint8Array(data))
  let served: readonly Uint8Array[] = []
  const client = await QUICClient.createQUICClient(
    {
      host: '127.0.0.1',
      port,
      localHost: '127.0.0.1',
      crypto: { ops: { randomBytes } },
      config: {
        applicationProtos: [protocol],
        verifyPeer: true,
        maxIdleTimeout: idle,
        verifyCallback: async (certificates) => {
          served = certificates.map((certificate) => Uint8Array.from(certificate))
          return undefined
        },
      },
      logger: silent as unknown as NonNullable<Options['logger']>,
    },
    { timer: 5_000 },
  )
  return { client, served }
}

async function serveStream(stream: QUICStream, answer: (question: Question) => Answer) {
  const question = JSON.parse(await text(stream.readable)) as Question
  await write(stream, answer(question))
}

async function write(stream: QUICStream, message: Question | Answer): Promise<void> {
  const writer = stream.writable.getWriter()
  await writer.write(Buffer.from(JSON.stringify(message)))
  await writer.close()
}
