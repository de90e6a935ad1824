import { once } from 'node:events'
import { connect } from 'node:tls'
import { z } from 'zod'
import { OperatorError } from '../support/operator-error.ts'
import { reach } from '../support/reach.ts'
import { type Endpoint, endpointOf, endpointOption } from './endpoint.ts'
import { servedLeaf } from './served-leaf.ts'
import { isUp } from './verdict.ts'
import type { VerifierType } from './verifier.ts'

const tlsOptions = z.strictObject({
  connect: endpointOption.describe('Host and port where the consumer listens.'),
  servername: z
    .string()
    .min(1)
    .optional()
    .describe('Name to ask for (SNI), where one port serves several certificates.'),
  alpn: z.string().min(1).max(255).optional().describe('Protocol that must be agreed on (ALPN).'),
})
type TlsOptions = z.infer<typeof tlsOptions>

/** Compares the certificate served over TLS. */
export const tls: VerifierType<TlsOptions> = {
  schema: tlsOptions,
  create(options) {
    const endpoint = endpointOf(options.connect)
    const fetch = (signal: AbortSignal) =>
      reach(options.connect, signal, (limit) => fetchLeaf(endpoint, options, limit))
    return {
      type: 'tls',
      subject: options.connect,
      ...servedLeaf(fetch),
      ready: (signal) => isUp(() => fetch(signal), signal),
    }
  },
}

async function fetchLeaf(
  endpoint: Endpoint,
  { connect: subject, servername, alpn }: TlsOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const socket = connect({
    ...endpoint,
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
  })
  // Whatever comes after the answer, or after the abort, is of no interest.
  socket.on('error', () => {})
  try {
    await once(socket, 'secureConnect', { signal })
    const leaf = socket.getPeerX509Certificate()?.raw
    if (!leaf) throw new OperatorError(`${subject} serves no certificate`)
    if (alpn !== undefined && socket.alpnProtocol !== alpn) {
      throw new OperatorError(`${subject} does not speak ${alpn}`, { hint: 'check `alpn`' })
    }
    return leaf
  } finally {
    socket.destroy()
  }
}
