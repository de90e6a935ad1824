import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on a free port of this host; its answer can be changed while it runs. */
export async function startHttpServer(answer: RequestListener) {
  const server = createServer((question, reply) => held.answer(question, reply))
  const held = { answer }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    answer(answer: RequestListener) {
      held.answer = answer
    },
    stop() {
      server.closeAllConnections()
      return new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}
