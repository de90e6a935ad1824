import { webcrypto } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type * as Quic from '@matrixai/quic'
import { z } from 'zod'
import { OperatorError } from '../support/operator-error.ts'
import { reach } from '../support/reach.ts'
import { type Endpoint, endpointOf, endpointOption } from './endpoint.ts'
import { servedLeaf } from './served-leaf.ts'
import { isUp } from './verdict.ts'
import type { VerifierType } from './verifier.ts'

type Logger = NonNullable<Parameters<typeof Quic.QUICClient.createQUICClient>[0]['logger']>

/** Milliseconds without a packet after which a handshake is given up. */
const patience = 3_000
/** TLS alert no_application_protocol (RFC 8446 §6.2) as a QUIC error (RFC 9001 §4.8). */
const noApplicationProtocol = 0x100 + 120

const quicOptions = z.strictObject({
  connect: endpointOption.describe('Host and UDP port where the consumer listens.'),
  servername: z.string().min(1).describe('Name to ask for (SNI).'),
  alpn: z.string().min(1).max(255).describe('Protocol that the consumer speaks (ALPN).'),
})
type QuicOptions = z.infer<typeof quicOptions>

/** Compares the certificate served over QUIC. */
export const quic: VerifierType<QuicOptions> = {
  schema: quicOptions,
  create(options) {
    const endpoint = endpointOf(options.connect)
    const fetch = (signal: AbortSignal) =>
      reach(options.connect, signal, (limit) => fetchLeaf(endpoint, options, limit))
    return {
      type: 'quic',
      subject: options.connect,
      ...servedLeaf(fetch),
      ready: (signal) => isUp(() => fetch(signal), signal),
    }
  },
}

async function fetchLeaf(
  { host, port }: Endpoint,
  { connect, servername, alpn }: QuicOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const library = await load()
  const { address, family } = await lookup(host)
  let leaf: Uint8Array | undefined
  try {
    const client = await library.QUICClient.createQUICClient(
      {
        // The library asks for the name (SNI) that it is told to reach; where that is, we have found out.
        host: isIP(servername) === 0 ? servername : address,
        resolveHostname: () => address,
        port,
        localHost: family === 6 ? '::' : '0.0.0.0',
        crypto: { ops: { randomBytes } },
        config: {
          applicationProtos: [alpn],
          maxIdleTimeout: patience,
          verifyPeer: true,
          // Called once the handshake is complete; answering nothing accepts whatever is served.
          verifyCallback: async ([served]) => {
            leaf = served && Uint8Array.from(served)
            return undefined
          },
        },
        logger: silent as unknown as Logger,
      },
      { signal, timer: patience },
    )
    await client.destroy({ force: true })
  } catch (error) {
    throw explain(error, connect, alpn)
  }
  if (!leaf) throw new OperatorError(`${connect} serves no certificate`)
  return leaf
}

async function load(): Promise<typeof Quic> {
  try {
    return await import('@matrixai/quic')
  } catch {
    throw new OperatorError('rekeyd was installed without its QUIC client', {
      kind: 'config',
      hint: 'install the optional package @matrixai/quic, or use another verifier',
    })
  }
}

async function randomBytes(data: ArrayBuffer): Promise<void> {
  webcrypto.getRandomValues(new Uint8Array(data))
}

function explain(error: unknown, subject: string, alpn: string): unknown {
  if (!(error instanceof Error)) return error
  const { data } = error as { data?: { errorCode?: number } }
  if (data?.errorCode === noApplicationProtocol) {
    return new OperatorError(`${subject} does not speak ${alpn}`, { hint: 'check `alpn`' })
  }
  if (!error.name.startsWith('ErrorQUIC')) return error
  if (error.name.endsWith('Timeout')) {
    return new OperatorError(`${subject} did not answer within ${patience / 1000}s`, {
      hint: 'UDP tells nobody that a port is closed: check that the consumer runs',
    })
  }
  return new OperatorError(`the QUIC handshake with ${subject} failed (${error.name})`)
}

/** The library logs every packet's fate to stderr by default. */
const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  getChild: () => silent,
}
