import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { AdminApp, AdminOptions, AdminParts } from './admin-app.ts'
import { largestBody, serverLimits } from './limits.ts'
import { type Log, type Problem, problem, problemOf, problemType, refuseClient } from './problem.ts'
import { isInvalid, problemOfInvalid } from './request.ts'
import { actionRoutes } from './routes/actions.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { materialRoutes } from './routes/materials.ts'
import { overviewRoutes } from './routes/overview.ts'
import { pageRoutes } from './routes/page.ts'
import { rotationRoutes } from './routes/rotations.ts'
import { versionRoutes } from './routes/versions.ts'

/** The admin API without a listener. */
export function createApp(options: AdminOptions): AdminApp {
  const log = options.log ?? logToStderr
  const closing = new AbortController()
  const app = fastify({
    bodyLimit: largestBody,
    exposeHeadRoutes: false,
    requestTimeout: serverLimits.requestTimeout,
    keepAliveTimeout: serverLimits.keepAliveTimeout,
    http: serverLimits,
    clientErrorHandler: refuseClient,
    frameworkErrors: (_error, _request, reply) =>
      void answer(reply, problem(400, 'this address cannot be read')),
  }).withTypeProvider<ZodTypeProvider>()
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
  })
  app.addHook('preClose', async () => closing.abort())
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answer(reply, problemOfRequest(error, request, log)),
  )
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, problem(404, 'there is nothing at this address', { hint: unknownAddress })),
  )
  const parts: AdminParts = { ...options, closing: closing.signal }
  for (const register of routes) register(app, parts)
  return app
}

const routes: readonly ((app: AdminApp, parts: AdminParts) => void)[] = [
  healthRoutes,
  pageRoutes,
  overviewRoutes,
  materialRoutes,
  actionRoutes,
  versionRoutes,
  rotationRoutes,
  eventRoutes,
]

const unknownAddress =
  'method and path must both fit; client and daemon may be of different versions'

/** What fastify refuses before a route sees it, by status: its own texts may quote the request. */
const refusals: Readonly<Record<number, string>> = {
  400: 'the body is not valid JSON, or shorter than announced',
  413: `the body is larger than ${largestBody / 1024} KiB`,
  415: 'the body must be application/json',
}

function problemOfRequest(error: FastifyError, { raw }: FastifyRequest, log: Log): Problem {
  if (isInvalid(error)) return problemOfInvalid(error)
  if (error.code === 'ECONNRESET' && !raw.complete) return problem(400, 'the request broke off')
  const { code, statusCode = 500 } = error
  return code?.startsWith('FST_') && statusCode < 500
    ? problem(statusCode, refusals[statusCode] ?? 'the request is refused')
    : problemOf(error, log)
}

function answer(reply: FastifyReply, sent: Problem): FastifyReply {
  return reply.code(sent.status).type(problemType).send(JSON.stringify(sent))
}

const logToStderr: Log = (message, fields) => {
  process.stderr.write(`${JSON.stringify({ level: 'error', ...fields, msg: message })}\n`)
}
