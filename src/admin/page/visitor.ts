import type { FastifyRequest } from 'fastify'
import { allows, type Scope } from '../../api-tokens/api-token.ts'

/** Who looks at a page, and what they may do. */
export interface Visitor {
  /** The name of the token; absent on the unix socket, where whoever comes may do everything. */
  readonly token?: string
  readonly scope: Scope
  /** What the page sends back with everything that changes something; absent where no cookie stands for the token. */
  readonly csrf?: string
}

export function visitorOf({ apiToken, session }: FastifyRequest): Visitor {
  return {
    scope: apiToken?.scope ?? 'admin',
    ...(apiToken && { token: apiToken.name }),
    ...(session && { csrf: session.csrf }),
  }
}

export function may({ scope }: Visitor, needed: Scope): boolean {
  return allows(scope, needed)
}
