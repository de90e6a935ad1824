import type { FastifyRequest } from 'fastify'
import { type ApiToken, allows, hashToken, type Scope } from '../api-tokens/api-token.ts'
import type { AdminParts } from './admin-app.ts'
import { isNavigation } from './answer-problem.ts'
import { type Authentication, type Authenticator, authenticator } from './authentication.ts'
import type { Door } from './door.ts'
import { FailureLimit } from './failure-limit.ts'
import { isFromStranger, originOf } from './host-check.ts'
import { challenge, type Refusal, tooMany, unreadable } from './refusals.ts'
import { readCookie } from './session-cookie.ts'
import { Sessions } from './sessions.ts'

type Refused = Extract<Authentication, { refused: unknown }>['refused']

/** What requests over TCP show: a token, or the cookie that a browser got for one. */
export class Credentials implements Door {
  readonly #tokens: Authenticator
  readonly #failures: FailureLimit
  readonly #sessions: Sessions

  /** @param path of the file of tokens */
  constructor(path: string, parts: Pick<AdminParts, 'clock' | 'log' | 'closing'>) {
    this.#tokens = authenticator(path, parts.clock, parts.log)
    this.#failures = new FailureLimit(parts)
    this.#sessions = new Sessions(parts.clock)
  }

  /** The token of a request, or why it goes no further. */
  async check(request: FastifyRequest): Promise<ApiToken | Refusal> {
    const found = await this.#authenticate(request)
    return 'token' in found ? found.token : this.#refuse(request, found.refused)
  }

  async signIn(secret: string, request: FastifyRequest): Promise<string | Refusal> {
    const found = await this.#tokens.byHash(hashToken(secret))
    if ('token' in found) return this.#sessions.open(found.token)
    return this.#refuse(request, found.refused)
  }

  signOut({ session }: FastifyRequest): void {
    if (session) this.#sessions.close(session)
  }

  async isStillAllowed({ apiToken, session }: FastifyRequest, scope: Scope): Promise<boolean> {
    if (!apiToken || (session && !this.#sessions.isOpen(session))) return false
    const found = await this.#tokens.byHash(Buffer.from(apiToken.sha256, 'hex'))
    return 'token' in found && allows(found.token.scope, scope)
  }

  /** A header counts alone, whatever the browser sends beside it. */
  async #authenticate(request: FastifyRequest): Promise<Authentication> {
    const { authorization, cookie } = request.headers
    if (authorization !== undefined) return this.#tokens.byHeader(authorization)
    const secret = believesCookie(request) ? readCookie(cookie) : undefined
    const session = secret === undefined ? undefined : this.#sessions.use(secret)
    if (!session) return { refused: 'missing' }
    const found = await this.#tokens.byHash(Buffer.from(session.sha256, 'hex'))
    if ('token' in found) request.session = session
    else if (found.refused !== 'unreadable') this.#sessions.close(session)
    return found
  }

  #refuse(request: FastifyRequest, refused: Refused): Refusal {
    if (refused === 'unreadable') return unreadable
    // Whoever only came for the sign-in has guessed nothing.
    const guessed = refused !== 'missing' || !isNavigation(request)
    const wait = guessed ? this.#failures.failed(request.ip) : undefined
    return wait === undefined ? challenge(refused) : tooMany(wait)
  }
}

/** For a browser all ports of this host are one site, `SameSite` or not: others may link here, and no more. */
function believesCookie(request: FastifyRequest): boolean {
  const { 'sec-fetch-mode': mode } = request.headers
  return mode === 'navigate' || !isFromStranger(request.headers, originOf(request))
}
