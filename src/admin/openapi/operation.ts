import type { FastifySchema, RouteOptions } from 'fastify'
import { takenHeaders } from './headers.ts'
import { responsesOf } from './responses.ts'
import { requestSchema } from './schemas.ts'
import { securityOf } from './security.ts'

/** One route, as OpenAPI has it. */
export function operationOf(route: RouteOptions): object {
  const { schema = {}, config = {}, url } = route
  const { operation, summary, socketOnly, takes = [] } = config
  const parameters = [...parametersOf(schema), ...takenHeaders(takes)]
  return {
    operationId: operation,
    summary,
    tags: [tagOf(url)],
    security: securityOf(route),
    ...(socketOnly && { 'x-socket-only': true }),
    ...(parameters.length > 0 && { parameters }),
    ...requestBodyOf(route),
    responses: responsesOf(route),
  }
}

export const tags = [
  { name: 'materials', description: 'One material, or all of them, and what is done to them.' },
  { name: 'rotations', description: 'What was done, and what is being done.' },
  { name: 'rekeyd', description: 'rekeyd as a whole.' },
  { name: 'health', description: 'For whoever watches over it.' },
  { name: 'page', description: 'The status page, for people.' },
]

function tagOf(url: string): string {
  if (/^\/v1\/(?:materials|rotations)\b/.test(url)) return url.split('/')[2] ?? ''
  if (url.startsWith('/v1/') || url === '/openapi.json') return 'rekeyd'
  return /^\/(?:healthz|readyz|metrics)$/.test(url) ? 'health' : 'page'
}

function requestBodyOf({ schema, config }: RouteOptions): object {
  if (schema?.body === undefined) return {}
  const sent = config?.form ? 'application/x-www-form-urlencoded' : 'application/json'
  const body = requestSchema(schema.body)
  const required = (body.required ?? []).length > 0
  return { requestBody: { required, content: { [sent]: { schema: body } } } }
}

function parametersOf({ params, querystring }: FastifySchema): readonly object[] {
  const listed = (schema: unknown, place: 'path' | 'query') => {
    const { properties = {}, required = [] } = schema === undefined ? {} : requestSchema(schema)
    return Object.entries(properties).map(([name, schema]) => {
      return { name, in: place, required: required.includes(name), schema }
    })
  }
  return [...listed(params, 'path'), ...listed(querystring, 'query')]
}
