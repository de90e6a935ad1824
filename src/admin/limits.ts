import type { ServerOptions } from 'node:http'

/** Connections at a time; more are closed as they come. */
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
} as const satisfies ServerOptions
