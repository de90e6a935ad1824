import type { RouteOptions } from 'fastify'
import type { AdminApp } from './admin-app.ts'
import { largestBody } from './limits.ts'
import { headerComponents } from './openapi/headers.ts'
import { operationOf, tags } from './openapi/operation.ts'
import { problemComponents } from './openapi/responses.ts'
import { namedSchemas } from './openapi/schemas.ts'
import { securitySchemes } from './openapi/security.ts'

const about = `What \`rekeyd\` does on its host. Over TCP every request shows a token (\`rekeyd api-token add\`), whose
scope is one of read, rotate and admin. Over the unix socket nothing is shown; there, and only there,
\`X-Rekeyd-Caller\` names for the audit log who asks, and routes with \`x-socket-only\` are answered.
Errors are problem JSON (RFC 9457); what cannot be read as HTTP is answered with 400, 408 or 431. No answer holds a
secret. Bodies are at most ${largestBody / 1024} KiB. Answers may get more fields: clients leave alone what they do not know.`

/**
 * Watches the routes of an app from now on.
 * @returns what makes a description of them, OpenAPI 3.1
 */
export function describeRoutes(app: AdminApp): () => object {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => void routes.push(route))
  return () => ({
    openapi: '3.1.0',
    info: { title: 'rekeyd', version: '1', description: about },
    servers: [{ url: '/' }],
    tags,
    paths: pathsOf(routes),
    components: {
      schemas: namedSchemas(),
      responses: problemComponents,
      ...headerComponents,
      securitySchemes,
    },
  })
}

function pathsOf(routes: readonly RouteOptions[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [String(route.method).toLowerCase()]: operationOf(route) }
  }
  return paths
}
