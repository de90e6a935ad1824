import { STATUS_CODES } from 'node:http'
import type { RouteOptions } from 'fastify'
import { eventView } from '../../operations/views/event.ts'
import type { Answer } from '../answers.ts'
import { problemView } from '../problem-view.ts'
import { type SentHeader, sentHeaders } from './headers.ts'
import { answerSchema } from './schemas.ts'

/** Why a request is refused, by status. */
const problems: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, or a field of it is wrong.',
  401: 'No valid token was shown.',
  403: 'The token allows less, a page of another site asks, or this is there on the unix socket only.',
  404: 'There is no such material or rotation.',
  409: 'A rotation is under way, or needs a person first.',
  413: 'The body is too large.',
  415: 'The body has another media type.',
  421: 'The Host header names somebody else.',
  422: 'Policy is against it, or nothing is there that it could be done to.',
  429: 'Too many requests came without a valid token.',
  500: 'It failed.',
  503: 'It cannot be done now.',
}

const headersOf: Readonly<Record<number, readonly SentHeader[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  429: ['Retry-After'],
}

/** All problems, by status; a browser that shows the answer to a person gets a page instead. */
export const problemComponents = Object.fromEntries(
  Object.entries(problems).map(([status, description]) => {
    const content = {
      'application/problem+json': { schema: answerSchema(problemView) },
      'text/html': { schema: { type: 'string' } },
    }
    return [
      nameOf(status),
      { description, headers: sentHeaders(headersOf[Number(status)]), content },
    ]
  }),
)

/** Whatever a route may answer, by status. */
export function responsesOf(route: RouteOptions): object {
  const { answers = {}, sends } = route.config ?? {}
  const successes = Object.entries(answers).map(([status, answer]) => [
    status,
    {
      description: STATUS_CODES[status] ?? 'It is done.',
      headers: sentHeaders(sends),
      ...contentOf(answer),
    },
  ])
  const failures = failuresOf(route).map((status) => [
    status,
    { $ref: `#/components/responses/${nameOf(status)}` },
  ])
  return Object.fromEntries([...successes, ...failures])
}

/** What stands before a route can refuse depends on its scope, its method and its address. */
function failuresOf({ method, schema, config = {} }: RouteOptions): readonly number[] {
  const { scope, fails = [] } = config
  const all = new Set<number>([400, 421, 500, ...fails])
  if (scope !== 'none') for (const status of [401, 403, 429, 503]) all.add(status)
  if (method === 'POST') for (const status of [403, 413, 415]) all.add(status)
  if (schema?.params !== undefined) all.add(404)
  return [...all]
}

function contentOf(answer: Answer): object {
  if (answer === null) return {}
  if (typeof answer !== 'string') {
    return { content: { 'application/json': { schema: answerSchema(answer) } } }
  }
  const [type = answer] = answer.split(';')
  return { content: { [type]: textOf(type) } }
}

/** OpenAPI 3.1 has no word for what the items of a stream are. */
function textOf(type: string): object {
  if (type === 'application/json') return { schema: { type: 'object' } }
  if (type !== 'text/event-stream') return { schema: { type: 'string' } }
  const description =
    'WHATWG HTML §9.2: each event has an `id`, its type as `event`, and JSON as `data`. `reset`, whose data is `{}`: something was missed.'
  return { schema: { type: 'string', description }, 'x-event-data': answerSchema(eventView) }
}

/** `NotFound` of 404. */
function nameOf(status: number | string): string {
  return (STATUS_CODES[status] ?? '').replace(/\W/g, '')
}
