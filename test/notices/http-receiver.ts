import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Behaviour } from '../contracts/channel.ts'
import { startHttpServer } from '../fakes/http-server.ts'

interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A receiver of this host that behaves as told, and files for the secrets to reach it with. */
export async function startReceiver(behaviour: Behaviour) {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-receiver-'))
  const requests: Request[] = []
  const taken: string[] = []
  const astray: string[] = []
  const other = await startHttpServer((question, reply) => {
    astray.push(question.url ?? '')
    reply.end()
  })
  let failing = behaviour === 'fails once'
  const answer = async (question: IncomingMessage, reply: ServerResponse) => {
    const body = await text(question)
    requests.push({ path: question.url ?? '', headers: question.headers, body })
    if (behaviour === 'hangs') return
    if (behaviour === 'slow') await new Promise((resolve) => setTimeout(resolve, 700))
    if (behaviour === 'refuses') reply.writeHead(403).end(`no, ${question.headers.authorization}`)
    else if (behaviour === 'redirects') reply.writeHead(307, { Location: other.origin }).end()
    else if (failing) reply.writeHead(500).end()
    else {
      taken.push(body)
      reply.end('{}')
    }
    failing = false
  }
  const server = await startHttpServer((question, reply) => void answer(question, reply))
  const garbage = createServer((socket) => {
    socket.on('error', () => {})
    socket.end('\0\x01 this is no HTTP \r\n\r\n')
  })
  garbage.listen(0, '127.0.0.1')
  await once(garbage, 'listening')
  const garbled = `http://127.0.0.1:${(garbage.address() as AddressInfo).port}`
  return {
    origin: behaviour === 'garbage' ? garbled : server.origin,
    requests: requests as readonly Request[],
    taken: taken as readonly string[],
    astray: astray as readonly string[],
    /** Writes a file for a secret. @returns its path */
    secret(name: string, value: string): { readonly file: string } {
      const file = join(folder, name)
      writeFileSync(file, `${value}\n`, { mode: 0o600 })
      return { file }
    },
    async stop() {
      garbage.close()
      await Promise.all([server.stop(), other.stop()])
      rmSync(folder, { recursive: true })
    },
  }
}
