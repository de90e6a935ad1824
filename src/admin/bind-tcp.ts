import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import { hasCode, messageOf, OperatorError } from '../support/operator-error.ts'

/** Where a server listens over TCP. */
export interface TcpAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/**
 * Listens on exactly this address. Not by fastify: its own way of listening asks for all interfaces, which a
 * sandbox may forbid.
 * @param what is served there, for errors
 * @param option of the config that says where
 * @returns `host:port`, as in a URL
 * @throws OperatorError naming the address, when it cannot be listened on
 */
export async function bindTcp(
  server: Server,
  { host, port }: TcpAddress,
  what: string,
  option: string,
): Promise<string> {
  server.listen({ host, port })
  await once(server, 'listening').catch((error: unknown) => {
    const why = hasCode(error, 'EADDRINUSE') ? 'another program listens there' : messageOf(error)
    throw new OperatorError(`cannot serve ${what} on ${formatAddress(host, port)}: ${why}`, {
      kind: 'config',
      hint: `set ${option} to a free address of this host`,
    })
  })
  return formatAddress(host, (server.address() as AddressInfo).port)
}

function formatAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
