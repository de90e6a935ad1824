import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../support/loopback.ts'
import { type Problem, problem } from './problem.ts'

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([0-9a-z](?:[0-9a-z.-]*[0-9a-z])?))(?::(\d{1,5}))?$/

/** Whether a `Host` header means us. */
export type HostCheck = (
  host: string | undefined,
  socket: Pick<Socket, 'localAddress' | 'localPort'>,
) => boolean

/**
 * A page of somebody else's can make its own name resolve to our address (DNS rebinding); the browser then
 * sends that name. So only names that can be ours are answered: this host, the address that is listened on, and
 * those of `names`. A port must be the one asked, or stand in `names`.
 * @param listen the name or address listened on, IPv6 without brackets
 */
export function hostCheck(listen: string, names: readonly string[] = []): HostCheck {
  return (header, { localAddress = '', localPort }) => {
    const host = header?.toLowerCase() ?? ''
    if (names.includes(host)) return true
    const { bare, written, port = localPort } = parse(host)
    if (bare === undefined || port !== localPort) return false
    const ours = [listen, localAddress.replace(/^::ffff:/, '')]
    return isLoopback(bare) || ours.includes(bare) || names.includes(written)
  }
}

/** What is wrong with a request that does not say once whom it asks (RFC 9112 §3.2), if anything is. */
export function misnamed({ httpVersion, rawHeaders }: IncomingMessage): Problem | undefined {
  const isHost = (name: string, index: number) => index % 2 === 0 && /^host$/i.test(name)
  const hosts = rawHeaders.filter(isHost).length
  const isOld = httpVersion === '1.0' || httpVersion === '0.9'
  if (hosts === 1 || (hosts === 0 && isOld)) return undefined
  return problem(400, 'the request must have one Host header')
}

/** A name or address without and with its brackets, and the port. */
function parse(host: string): { bare?: string; written: string; port?: number } {
  const [, ipv6, name, port] = hostPattern.exec(host) ?? []
  const bare = ipv6 ?? name
  return {
    ...(bare !== undefined && { bare }),
    written: ipv6 === undefined ? (name ?? '') : `[${ipv6}]`,
    ...(port !== undefined && { port: Number(port) }),
  }
}

/** What a browser calls the pages of the address that a request asks for. */
export function originOf({ protocol, headers }: FastifyRequest): string {
  return `${protocol}://${headers.host}`
}

/**
 * Whether a browser sends this for a page that is not ours. Others on this host count as strangers, too:
 * for a browser all ports of a host are one site.
 */
export function isFromStranger(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  origin: string,
): boolean {
  const { origin: asking, 'sec-fetch-site': site } = headers
  if (asking !== undefined && asking !== origin) return true
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}
