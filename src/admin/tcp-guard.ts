import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { allows, hashToken } from '../api-tokens/api-token.ts'
import type { AdminApp, AdminParts, TcpOptions } from './admin-app.ts'
import { isNavigation, refuse } from './answer-problem.ts'
import { type Authentication, authenticator } from './authentication.ts'
import type { Door } from './door.ts'
import { FailureLimit } from './failure-limit.ts'
import { hostCheck, isFromStranger } from './host-check.ts'
import {
  ambiguous,
  challenge,
  foreign,
  forged,
  insufficient,
  misdirected,
  onlyHere,
  type Refusal,
  tooMany,
  unreadable,
} from './refusals.ts'
import { readCookie } from './session-cookie.ts'
import { type Session, Sessions } from './sessions.ts'

/**
 * What stands before every route over TCP: the request must be meant for us, must not come from a page of
 * somebody else's, and must show a token that allows the route, or the cookie that a browser got for one.
 */
export function guardTcp(app: AdminApp, tcp: TcpOptions, parts: Omit<AdminParts, 'door'>): Door {
  const isForUs = hostCheck(tcp.host, tcp.hosts)
  const tokens = authenticator(tcp.tokens, parts.clock, parts.log)
  const failures = new FailureLimit(parts)
  const sessions = new Sessions(parts.clock)

  /** A header counts alone, whatever the browser sends beside it. */
  async function authenticate(request: FastifyRequest): Promise<Authentication> {
    const { authorization, cookie } = request.headers
    if (authorization !== undefined) return tokens.byHeader(authorization)
    const secret = believesCookie(request) ? readCookie(cookie) : undefined
    const session = secret === undefined ? undefined : sessions.use(secret)
    if (!session) return { refused: 'missing' }
    const found = await tokens.byHash(Buffer.from(session.sha256, 'hex'))
    if ('token' in found) request.session = session
    else if (found.refused !== 'unreadable') sessions.close(session)
    return found
  }

  function refusalFor(request: FastifyRequest, refused: RefusedWhy): Refusal {
    if (refused === 'unreadable') return unreadable
    // Whoever only came for the sign-in has guessed nothing.
    const wait =
      refused === 'missing' && isNavigation(request) ? undefined : failures.failed(request.ip)
    return wait === undefined ? challenge(refused) : tooMany(wait)
  }

  async function unauthorised(request: FastifyRequest): Promise<Refusal | undefined> {
    const { scope = 'admin', socketOnly } = request.routeOptions.config
    if (request.is404 || scope === 'none') return undefined
    const found = await authenticate(request)
    if ('refused' in found) return refusalFor(request, found.refused)
    if (!allows(found.token.scope, scope)) return insufficient(scope, found.token.scope)
    request.apiToken = found.token
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

  return {
    async signIn(secret, request) {
      const found = await tokens.byHash(hashToken(secret))
      return 'token' in found ? sessions.open(found.token) : refusalFor(request, found.refused)
    },
    signOut({ session }) {
      if (session) sessions.close(session)
    },
    async isStillAllowed({ apiToken, session }, scope) {
      if (!apiToken || (session && !sessions.isOpen(session))) return false
      const found = await tokens.byHash(Buffer.from(apiToken.sha256, 'hex'))
      return 'token' in found && allows(found.token.scope, scope)
    },
  }
}

type RefusedWhy = Extract<Authentication, { refused: unknown }>['refused']

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

function originOf({ protocol, headers }: FastifyRequest): string {
  return `${protocol}://${headers.host}`
}

/** For a browser all ports of this host are one site, `SameSite` or not: others may link here, and no more. */
function believesCookie(request: FastifyRequest): boolean {
  const { 'sec-fetch-mode': mode } = request.headers
  return mode === 'navigate' || !isFromStranger(request.headers, originOf(request))
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
