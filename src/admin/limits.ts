import type { Server, ServerOptions } from 'node:http'
import { capConnections } from './connection-cap.ts'

/** Connections at a time. */
export const mostConnections = 64

/** Bytes of a request body. */
export const largestBody = 64 * 1024

/** Node gives a slow sender five minutes, and looks only every 30 s. Milliseconds and bytes. */
export const serverLimits = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 2_500,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 16 * 1024,
  // Node would answer by itself, without a word. `misnamed` does.
  requireHostHeader: false,
} as const satisfies ServerOptions

/** What every server gets beside {@link serverLimits}. */
export function limitServer(server: Server): void {
  capConnections(server, mostConnections)
  // Node would answer an unknown `Expect` by itself, past every check; RFC 9110 §10.1.1 lets us ignore it.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
}
