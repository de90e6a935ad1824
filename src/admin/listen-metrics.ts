import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLoopback } from '../support/loopback.ts'
import type { TcpAddress } from './bind-tcp.ts'
import { hostCheck } from './host-check.ts'
import { servePlainly } from './plain-server.ts'
import { problem, sendProblem } from './problem.ts'
import type { Scraped } from './scraped.ts'

/**
 * Serves `GET /metrics` and `GET /healthz`, and nothing else, over TCP.
 * @throws OperatorError naming the address, when it cannot be listened on
 */
export async function listenMetrics(
  address: TcpAddress,
  metrics: Scraped,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  // On loopback, where only this host asks. Elsewhere Prometheus may use any name that leads here.
  const isForUs = isLoopback(address.host) ? hostCheck(address.host) : () => true
  const { bound, close } = await servePlainly(
    (request, response) => {
      if (isForUs(request.headers.host, request.socket)) {
        answer(request, response, metrics).catch(() => response.destroy())
      } else sendProblem(response, problem(421, 'this name is not one of rekeyd'))
    },
    address,
    'the metrics',
    'metrics.listen',
  )
  return { url: `http://${bound}/metrics`, close }
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
