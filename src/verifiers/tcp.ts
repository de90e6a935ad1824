import { once } from 'node:events'
import { connect } from 'node:net'
import { z } from 'zod'
import { reach } from '../support/reach.ts'
import { type Endpoint, endpointOf, endpointOption } from './endpoint.ts'
import { isUp } from './verdict.ts'
import type { VerifierType } from './verifier.ts'

const tcpOptions = z.strictObject({
  connect: endpointOption.describe('Host and port where the consumer listens.'),
})
type TcpOptions = z.infer<typeof tcpOptions>

/** Whether something accepts connections: readiness only, it proves no version. */
export const tcp: VerifierType<TcpOptions> = {
  schema: tcpOptions,
  create({ connect: subject }) {
    const endpoint = endpointOf(subject)
    const ask = (signal: AbortSignal) =>
      isUp(() => reach(subject, signal, (limit) => open(endpoint, limit)), signal)
    return {
      type: 'tcp',
      subject,
      proves: false,
      accepts: (_, signal) => ask(signal),
      ready: ask,
    }
  },
}

async function open(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  const socket = connect(endpoint)
  socket.on('error', () => {})
  try {
    await once(socket, 'connect', { signal })
  } finally {
    socket.destroy()
  }
}
