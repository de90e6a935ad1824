import type { ApiToken, Scope } from '../api-tokens/api-token.ts'
import type { AdminApp } from './admin-app.ts'
import type { Answers, Failure } from './answers.ts'
import type { SentHeader, TakenHeader } from './openapi/headers.ts'
import type { Session } from './sessions.ts'

/** What a route says of itself: the only place that decides who may use it. */
interface RouteAccess {
  /** The least that a token must allow over TCP; `none` for whoever asks. Over the unix socket nothing is asked. */
  readonly scope?: Scope | 'none'
  /** Where some bodies ask for more than `scope`: what this one needs. */
  readonly scopeOf?: (body: unknown) => Scope
  /** What it does, for `/openapi.json`. */
  readonly summary?: string
  /** It reads or writes a file of this host at a path that the client names: never over TCP. */
  readonly socketOnly?: true
  /** What it is called, for clients that are generated: never changed, and nothing else has it. */
  readonly operation?: string
  readonly answers?: Answers
  readonly fails?: readonly Failure[]
  /** Headers beside those that every route has. */
  readonly takes?: readonly TakenHeader[]
  readonly sends?: readonly SentHeader[]
  /** It reads a form rather than JSON, and sends the browser on. */
  readonly form?: true
}

const needed = 'scope, summary, operation and answers'

/** Some routes, by any name. */
export type Routes = Readonly<Record<string, RouteAccess>>

declare module 'fastify' {
  interface FastifyContextConfig extends RouteAccess {}
  interface FastifyRequest {
    /** What was shown; null over the unix socket, and where nothing is needed. */
    apiToken: ApiToken | null
    /** That of the browser, where a cookie stood for the token. */
    session: Session | null
  }
}

/** Makes the app refuse, when it starts, a route that does not say who may use it and what it answers. */
export function requireAccess(app: AdminApp): void {
  app.decorateRequest('apiToken', null)
  app.decorateRequest('session', null)
  app.addHook('onRoute', ({ method, url, config }) => {
    const { scope, summary, operation, answers } = config ?? {}
    const isSaid = [scope, summary, operation, answers].every((said) => said !== undefined)
    if (!isSaid) throw new RangeError(`${String(method)} ${url} does not say all of ${needed}`)
  })
}
