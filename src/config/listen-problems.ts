import { isLoopback } from '../support/loopback.ts'
import type { Config } from './config.ts'
import type { Problem } from './problem.ts'

/** What makes a listener unsafe, or of no use to anybody. */
export function listenProblems(config: Config): Problem[] {
  return [...tlsProblems(config), ...sharedAddressProblems(config)]
}

function tlsProblems({ http }: Config): Problem[] {
  if (!http || http.tls || isLoopback(http.host)) return []
  const why = '`listen` is no loopback address: tokens would cross the network in clear'
  const message = `${why}; add tls: { certificate, key }, or listen on 127.0.0.1`
  return [{ path: ['admin', 'http', 'listen'], message }]
}

function sharedAddressProblems({ http, metrics, public: open }: Config): Problem[] {
  const listeners = [
    { what: 'the metrics', path: ['metrics', 'listen'], address: metrics },
    { what: 'the admin API', path: ['admin', 'http', 'listen'], address: http },
    { what: 'the public parts', path: ['public', 'listen'], address: open },
  ]
  return listeners.flatMap(({ path, address }, index) => {
    const other = listeners
      .slice(0, index)
      .find((one) => address && address.port !== 0 && isSame(one.address, address))
    const message = `\`listen\` is the address of ${other?.what}; give it a port of its own`
    return other ? [{ path, message }] : []
  })
}

type Address = Config['metrics']

function isSame(one: Address | undefined, other: Address): boolean {
  return one?.port === other.port && one.host === other.host
}
