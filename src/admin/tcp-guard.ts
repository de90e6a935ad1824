import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { allows } from '../api-tokens/api-token.ts'
import type { AdminApp, AdminParts, TcpOptions } from './admin-app.ts'
import { refuse } from './answer-problem.ts'
import { Credentials } from './credentials.ts'
import type { Door } from './door.ts'
import { hostCheck, isFromStranger, originOf } from './host-check.ts'
import {
  ambiguous,
  foreign,
  forged,
  insufficient,
  misdirected,
  onlyHere,
  type Refusal,
} from './refusals.ts'
import type { Session } from './sessions.ts'

/**
 * What stands before every route over TCP: the request must be meant for us, must not come from a page of
 * somebody else's, and must show a token that allows the route, or the cookie that a browser got for one.
 */
export function guardTcp(app: AdminApp, tcp: TcpOptions, parts: Omit<AdminParts, 'door'>): Door {
  const isForUs = hostCheck(tcp.host, tcp.hosts)
  const credentials = new Credentials(tcp.tokens, parts)

  async function unauthorised(request: FastifyRequest): Promise<Refusal | undefined> {
    const { scope = 'admin', socketOnly } = request.routeOptions.config
    if (request.is404 || scope === 'none') return undefined
    const found = await credentials.check(request)
    if ('problem' in found) return found
    if (!allows(found.scope, scope)) return insufficient(scope, found.scope)
    request.apiToken = found
    return socketOnly ? onlyHere : undefined
  }

  app.addHook('onRequest', async (request, reply) => {
    const refusal = notForUs(request, isForUs) ?? (await unauthorised(request))
    if (refusal) return refuse(reply, refusal)
  })

  app.addHook('preValidation', async (request, reply) => {
    const { session, method } = request
    if (session && method !== 'GET' && !isFromOurPage(request, session))
      return refuse(reply, forged)
  })

  app.addHook('preHandler', async ({ apiToken, body, routeOptions }, reply) => {
    const needed = routeOptions.config.scopeOf?.(body)
    if (!apiToken || needed === undefined || allows(apiToken.scope, needed)) return
    return refuse(reply, insufficient(needed, apiToken.scope))
  })

  return credentials
}

/** Headers that say who asks: a second one might be believed by somebody on the way. */
const singular = /^(?:authorization|origin)$/i

function notForUs(
  request: FastifyRequest,
  isForUs: ReturnType<typeof hostCheck>,
): Refusal | undefined {
  const { raw, headers, method } = request
  const names = raw.rawHeaders.filter((name, index) => index % 2 === 0 && singular.test(name))
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) return ambiguous
  // The absolute form of RFC 9112 §3.2.2 names a host of its own.
  if (!raw.url?.startsWith('/') || !isForUs(headers.host, raw.socket)) return misdirected
  return method !== 'GET' && isFromStranger(headers, originOf(request)) ? foreign : undefined
}

/** The browser says where it comes from, and it knows what only our page tells. */
function isFromOurPage(request: FastifyRequest, { csrf }: Session): boolean {
  const { headers, body } = request
  const said = headers.origin === originOf(request) || headers['sec-fetch-site'] === 'same-origin'
  const { csrf: field } = (body ?? {}) as { readonly csrf?: unknown }
  const told = headers['x-rekeyd-csrf'] ?? field
  const sent = Buffer.from(typeof told === 'string' ? told : '')
  const wanted = Buffer.from(csrf)
  return said && sent.length === wanted.length && timingSafeEqual(sent, wanted)
}
