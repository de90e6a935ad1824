import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { bindTcp, type TcpAddress } from './bind-tcp.ts'
import { misnamed } from './host-check.ts'
import { limitServer, serverLimits } from './limits.ts'
import { refuseClient, sendProblem } from './problem.ts'

/**
 * Listens without fastify, for the few addresses that nobody shows a token at.
 * @param what what is served there, and `option` where the config says the address: for the error
 * @returns the address that was bound
 * @throws OperatorError naming the address, when it cannot be listened on
 */
export async function servePlainly(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  address: TcpAddress,
  what: string,
  option: string,
): Promise<{ readonly bound: string; readonly close: () => Promise<void> }> {
  const server = createServer(serverLimits, (request, response) => {
    const refusal = misnamed(request)
    if (refusal) sendProblem(response, refusal)
    else answer(request, response)
  })
  limitServer(server)
  server.on('clientError', (error, socket: Socket) => refuseClient(error, socket))
  const bound = await bindTcp(server, address, what, option)
  return {
    bound,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
