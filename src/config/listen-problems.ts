import { isLoopback } from '../support/loopback.ts'
import type { Config } from './config.ts'
import type { Problem } from './problem.ts'

/** What makes the admin API over TCP unsafe, or of no use to anybody. */
export function listenProblems({ http, metrics }: Config): Problem[] {
  if (!http) return []
  const path = ['admin', 'http', 'listen']
  const problem = (message: string) => ({ path, message })
  if (!http.tls && !isLoopback(http.host)) {
    const why = '`listen` is no loopback address: tokens would cross the network in clear'
    return [problem(`${why}; add tls: { certificate, key }, or listen on 127.0.0.1`)]
  }
  const isTaken = http.port !== 0 && http.port === metrics.port && http.host === metrics.host
  return isTaken
    ? [problem('`listen` is the address of the metrics; give it a port of its own')]
    : []
}
