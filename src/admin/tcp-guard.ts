import type { FastifyReply, FastifyRequest } from 'fastify'
import { allows } from '../api-tokens/api-token.ts'
import type { AdminApp, AdminParts, TcpOptions } from './admin-app.ts'
import { authenticator } from './authentication.ts'
import { FailureLimit } from './failure-limit.ts'
import { hostCheck, isFromStranger } from './host-check.ts'
import { type Problem, problem, sendReply } from './problem.ts'

/** A request that goes no further. */
interface Refusal {
  readonly problem: Problem
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * What stands before every route over TCP: the request must be meant for us, must not come from a page of
 * somebody else's, and must show a token that allows the route.
 */
export function guardTcp(app: AdminApp, tcp: TcpOptions, parts: AdminParts): void {
  const isForUs = hostCheck(tcp.host, tcp.hosts)
  const authenticate = authenticator(tcp.tokens, parts.clock, parts.log)
  const failures = new FailureLimit(parts)

  async function unauthorised(request: FastifyRequest): Promise<Refusal | undefined> {
    const { scope = 'admin', socketOnly } = request.routeOptions.config
    if (request.is404 || scope === 'none') return undefined
    const found = await authenticate(request.headers.authorization)
    if ('refused' in found) {
      if (found.refused === 'unreadable') return unreadable
      const wait = failures.failed(request.ip)
      return wait === undefined ? challenge(found.refused) : tooMany(wait)
    }
    if (!allows(found.token.scope, scope)) return insufficient(scope, found.token.scope)
    request.apiToken = found.token
    return socketOnly ? onlyHere : undefined
  }

  app.addHook('onRequest', async (request, reply) => {
    const refusal =
      misdirected(request, isForUs) ?? fromStranger(request) ?? (await unauthorised(request))
    if (refusal) return refuse(reply, refusal)
  })

  app.addHook('preHandler', async ({ apiToken, body, routeOptions }, reply) => {
    const needed = routeOptions.config.scopeOf?.(body)
    if (!apiToken || needed === undefined || allows(apiToken.scope, needed)) return
    return refuse(reply, insufficient(needed, apiToken.scope))
  })
}

function refuse(reply: FastifyReply, { problem, headers = {} }: Refusal): FastifyReply {
  return sendReply(reply.headers(headers), problem)
}

/** Headers that say who asks: a second one might be believed by somebody on the way. */
const singular = /^(?:authorization|origin)$/i

function misdirected(
  { headers, raw }: FastifyRequest,
  isForUs: ReturnType<typeof hostCheck>,
): Refusal | undefined {
  const names = raw.rawHeaders.filter((name, index) => index % 2 === 0 && singular.test(name))
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    return { problem: problem(400, 'Authorization and Origin may each be there once') }
  }
  // The absolute form of RFC 9112 §3.2.2 names a host of its own.
  if (raw.url?.startsWith('/') && isForUs(headers.host, raw.socket)) return undefined
  const hint = 'ask for the address that rekeyd listens on, or add the name to admin.http.hosts'
  return { problem: problem(421, 'this name is not one of rekeyd', { hint }) }
}

function fromStranger({ method, headers, protocol }: FastifyRequest): Refusal | undefined {
  if (method === 'GET' || !isFromStranger(headers, `${protocol}://${headers.host}`))
    return undefined
  return { problem: problem(403, 'a page of another site asks for this', { kind: 'refused' }) }
}

const makeOne = '`rekeyd api-token add NAME --scope SCOPE` makes one'

function challenge(why: 'missing' | 'unknown' | 'expired'): Refusal {
  const details = {
    missing: 'this needs an API token: Authorization: Bearer TOKEN',
    unknown: 'this API token is not known, or was revoked',
    expired: 'this API token has expired',
  }
  const error = why === 'missing' ? '' : ', error="invalid_token"'
  return {
    problem: problem(401, details[why], { kind: 'refused', hint: makeOne }),
    headers: { 'WWW-Authenticate': `Bearer realm="rekeyd"${error}` },
  }
}

function insufficient(needed: string, held: string): Refusal {
  const detail = `this needs a token of scope ${needed}, and this one has ${held}`
  return {
    problem: problem(403, detail, { kind: 'refused', hint: makeOne }),
    headers: {
      'WWW-Authenticate': `Bearer realm="rekeyd", error="insufficient_scope", scope="${needed}"`,
    },
  }
}

function tooMany(seconds: number): Refusal {
  const hint = 'a valid token is answered at once; the log says how many came without'
  return {
    problem: problem(429, 'too many requests without a valid token', { kind: 'refused', hint }),
    headers: { 'Retry-After': String(seconds) },
  }
}

const unreadable: Refusal = {
  problem: problem(503, 'no API token can be checked now', {
    kind: 'locked',
    hint: 'the log of rekeyd says what is wrong with the file of tokens',
  }),
}

const onlyHere: Refusal = {
  problem: problem(403, 'this works on files of the host: it is there on the unix socket only', {
    kind: 'refused',
    hint: 'use the rekeyd command on the host',
  }),
}
