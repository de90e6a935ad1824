import type { RouteOptions } from 'fastify'

export const securitySchemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token; the word beside it is the least scope, of read, rotate and admin.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-rekeyd',
    description: 'What a browser got for a token at `/sign-in`.',
  },
  csrf: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Rekeyd-Csrf',
    description: 'With the cookie, for whatever is no GET: what the page was told.',
  },
}

/** Over the unix socket nothing of it is asked. */
export function securityOf({ method, config = {} }: RouteOptions): readonly object[] {
  const { scope = 'admin' } = config
  if (scope === 'none') return []
  const session = { session: [scope], ...(method !== 'GET' && { csrf: [] }) }
  return [{ token: [scope] }, session]
}
