import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hasCode, messageOf, OperatorError } from '../support/operator-error.ts'
import { mostConnections, serverLimits } from './limits.ts'
import { problem, refuseClient, sendProblem } from './problem.ts'
import type { Scraped } from './scraped.ts'

/**
 * Serves `GET /metrics` and `GET /healthz`, and nothing else, over TCP.
 * @throws OperatorError naming the address, when it cannot be listened on
 */
export async function listenMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: Scraped,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  // Not fastify: its own way of listening asks for all interfaces, which a sandbox may forbid.
  const server = createServer(serverLimits, (request, response) => {
    answer(request, response, metrics).catch(() => response.destroy())
  })
  server.maxConnections = mostConnections
  server.on('clientError', refuseClient)
  server.listen({ host, port })
  await once(server, 'listening').catch((error: unknown) => {
    throw unavailable(host, port, error)
  })
  return { url: `${originOf(host, server)}/metrics`, close: () => close(server) }
}

async function answer(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  metrics: Scraped,
): Promise<void> {
  const [path] = url.split('?')
  if (path !== '/metrics' && path !== '/healthz') {
    return sendProblem(response, problem(404, 'only /metrics and /healthz are here'))
  }
  if (method !== 'GET') {
    response.setHeader('Allow', 'GET')
    return sendProblem(response, problem(405, 'only GET is answered here'))
  }
  await (path === '/metrics' ? sendMetrics : sendHealth)(response, metrics)
}

async function sendMetrics(response: ServerResponse, metrics: Scraped): Promise<void> {
  try {
    const { contentType, text } = await metrics.render()
    response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' })
    response.end(text)
  } catch {
    sendProblem(response, problem(500, 'the metrics could not be read', { kind: 'failed' }))
  }
}

async function sendHealth(response: ServerResponse, metrics: Scraped): Promise<void> {
  const status = metrics.health()
  if (status === 'stalled') {
    return sendProblem(
      response,
      problem(503, 'the scheduler has not ticked for 90 s', { kind: 'locked' }),
    )
  }
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify({ status }))
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

function originOf(host: string, server: Server): string {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function unavailable(host: string, port: number, error: unknown): OperatorError {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const taken = hasCode(error, 'EADDRINUSE')
  return new OperatorError(
    taken
      ? `another program listens on ${address}, where the metrics belong`
      : `cannot serve the metrics on ${address}: ${messageOf(error)}`,
    { kind: 'config', hint: 'set metrics.listen to a free address of this host' },
  )
}
