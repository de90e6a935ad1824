import type { FastifySchema, RouteOptions } from 'fastify'
import { z } from 'zod'
import type { AdminApp } from './admin-app.ts'
import { largestBody } from './limits.ts'

/** The part of JSON Schema that parameters need. */
interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

const about = `What \`rekeyd\` does on its host. Over TCP every request shows a token (\`rekeyd api-token add\`); the
name in brackets is the least scope it needs, of read, rotate and admin. Over the unix socket nothing is shown.
Errors are problem JSON (RFC 9457). No answer holds a secret. Bodies are at most ${largestBody / 1024} KiB.`

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
    paths: pathsOf(routes),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      responses: {
        problem: {
          description: 'What went wrong, and what to do about it.',
          content: { 'application/problem+json': { schema: { type: 'object' } } },
        },
      },
    },
  })
}

function pathsOf(routes: readonly RouteOptions[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [String(route.method).toLowerCase()]: operation(route) }
  }
  return paths
}

function operation({ schema = {}, config = {} }: RouteOptions): object {
  const { scope, summary, socketOnly, answers, form } = config
  const sent = form ? 'application/x-www-form-urlencoded' : 'application/json'
  return {
    summary,
    security: scope === 'none' ? [] : [{ token: [scope] }],
    ...(socketOnly && { 'x-socket-only': true }),
    ...parametersOf(schema),
    ...(schema.body !== undefined && {
      requestBody: { content: { [sent]: { schema: json(schema.body) } } },
    }),
    responses: {
      ...(form
        ? { '303': { description: 'The browser goes on to the status page.' } }
        : {
            '2XX': {
              description: 'It is so, or it is done.',
              ...(answers !== undefined && { content: { [answers]: {} } }),
            },
          }),
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

function parametersOf({ params, querystring }: FastifySchema): object {
  const listed = (schema: unknown, place: 'path' | 'query') => {
    const { properties = {}, required = [] }: ObjectSchema =
      schema === undefined ? {} : json(schema)
    return Object.entries(properties).map(([name, schema]) => {
      return { name, in: place, required: required.includes(name), schema }
    })
  }
  const parameters = [...listed(params, 'path'), ...listed(querystring, 'query')]
  return parameters.length > 0 ? { parameters } : {}
}

/** What is sent, before defaults are filled in. */
function json(schema: unknown): ObjectSchema {
  const { $schema: _, ...form } = z.toJSONSchema(schema as z.ZodType, { io: 'input' })
  return form as ObjectSchema
}
