import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { namePattern } from '../model/material.ts'
import type { PublicView } from '../operations/public-keys.ts'
import type { TcpAddress } from './bind-tcp.ts'
import { servePlainly } from './plain-server.ts'
import { type Log, problem, problemOf, sendProblem } from './problem.ts'

/** Asks for the public parts of a material; undefined for what is not public. */
export type AskPublic = (name: string) => Promise<PublicView | undefined>

/**
 * Serves `GET /v1/public/NAME` and `GET /v1/public/NAME/jwks.json` to anybody, browsers on other sites
 * included, and nothing else.
 * @throws OperatorError naming the address, when it cannot be listened on
 */
export async function listenPublic(
  address: TcpAddress,
  ask: AskPublic,
  log: Log,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { bound, close } = await servePlainly(
    (request, response) => {
      answer(request, response, ask).catch((error: unknown) =>
        sendProblem(response, problemOf(error, log)),
      )
    },
    address,
    'the public parts',
    'public.listen',
  )
  return { url: `http://${bound}/v1/public/`, close }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  ask: AskPublic,
): Promise<void> {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const body = await find(request.url ?? '', ask)
  if (!body) return sendProblem(response, problem(404, 'there is nothing public at this address'))
  if (request.method === 'GET' || request.method === 'HEAD') return send(request, response, body)
  response.setHeader('Allow', 'GET, HEAD')
  sendProblem(response, problem(405, 'only GET is answered here'))
}

async function find(url: string, ask: AskPublic): Promise<object | undefined> {
  const [path = ''] = url.split('?')
  const [, name = '', file] = /^\/v1\/public\/([^/]+)(\/jwks\.json)?$/.exec(path) ?? []
  const view = namePattern.test(name) ? await ask(name) : undefined
  if (!view || file === undefined) return view
  const keys = keySet(view)
  return keys.length > 0 ? { keys } : undefined
}

/** RFC 7517 §5. What is announced is among them, so that a verifier has it before the first signature. */
function keySet({ current, announced, retiring }: PublicView): readonly object[] {
  const versions = [
    ...(current && !current.compromised ? [current] : []),
    ...announced,
    ...retiring,
  ]
  return versions.flatMap(({ jwk }) => (jwk ? [jwk] : []))
}

/** May be kept, but is asked for again before each use: a key that has leaked must not linger (RFC 9111 §5.2.2.4). */
function send(request: IncomingMessage, response: ServerResponse, body: object): void {
  const text = JSON.stringify(body)
  const tag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  response.setHeader('ETag', tag)
  response.setHeader('Cache-Control', 'public, no-cache')
  if (isKnown(request.headers['if-none-match'], tag)) return void response.writeHead(304).end()
  response.writeHead(200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

/** RFC 9110 §13.1.2: a list, compared weakly. */
function isKnown(known: string | undefined, tag: string): boolean {
  const tags = known?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? []
  return tags.includes(tag) || tags.includes('*')
}
