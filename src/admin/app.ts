import fastify, { type FastifyError, type FastifyRequest } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { requireAccess } from './access.ts'
import type { AdminApp, AdminOptions, AdminParts, TcpOptions } from './admin-app.ts'
import { answerProblem } from './answer-problem.ts'
import { auditHeader } from './audit-header.ts'
import { readCertificate } from './certificate.ts'
import { misnamed } from './host-check.ts'
import { largestBody, serverLimits } from './limits.ts'
import { describeRoutes } from './openapi.ts'
import { type Log, type Problem, problem, problemOf, refuseClient, sendReply } from './problem.ts'
import { isInvalid, problemOfInvalid } from './request.ts'
import { actionRoutes } from './routes/actions.ts'
import { assetRoutes } from './routes/assets.ts'
import { auditRoutes } from './routes/audit.ts'
import { descriptionRoutes } from './routes/description.ts'
import { doctorRoutes } from './routes/doctor.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { materialRoutes } from './routes/materials.ts'
import { noticeRoutes } from './routes/notices.ts'
import { overviewRoutes } from './routes/overview.ts'
import { pageRoutes } from './routes/page.ts'
import { materialPauseRoutes, pauseRoutes } from './routes/pauses.ts'
import { placeRoutes } from './routes/places.ts'
import { rotationRoutes } from './routes/rotations.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { versionRoutes } from './routes/versions.ts'
import { guardSocket } from './socket-guard.ts'
import { guardTcp } from './tcp-guard.ts'

/**
 * The admin API without a listener.
 * @param tcp what it demands of clients over TCP; absent for the unix socket, where whoever comes may do everything
 */
export function createApp(options: AdminOptions, tcp?: TcpOptions): AdminApp {
  const closing = new AbortController()
  const app = bareApp(options, tcp)
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler(validatorCompiler)
  app.addHook('onRequest', async ({ raw }, reply) => {
    reply.headers({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' })
    const refusal = misnamed(raw)
    if (refusal) return sendReply(reply, refusal)
  })
  // As late as that, so that it tells of what the request itself did.
  app.addHook('onSend', async (_request, reply) => void reply.headers(auditHeader(options)))
  app.addHook('preClose', async () => closing.abort())
  app.setErrorHandler((error: FastifyError, request, reply) =>
    answerProblem(reply, problemOfRequest(error, request, options.log)),
  )
  app.setNotFoundHandler((_request, reply) =>
    answerProblem(
      reply,
      problem(404, 'there is nothing at this address', { hint: unknownAddress }),
    ),
  )
  const common = { ...options, closing: closing.signal }
  const door = tcp ? guardTcp(app, tcp, common) : guardSocket(app)
  const parts: AdminParts = { ...common, door }
  requireAccess(app)
  descriptionRoutes(app, describeRoutes(app))
  for (const register of routes) register(app, parts)
  return app
}

const routes: readonly ((app: AdminApp, parts: AdminParts) => void)[] = [
  healthRoutes,
  pageRoutes,
  assetRoutes,
  signInRoutes,
  overviewRoutes,
  auditRoutes,
  doctorRoutes,
  pauseRoutes,
  materialRoutes,
  materialPauseRoutes,
  actionRoutes,
  placeRoutes,
  versionRoutes,
  rotationRoutes,
  eventRoutes,
  noticeRoutes,
]

function bareApp(options: AdminOptions, tcp: TcpOptions | undefined): AdminApp {
  const secure = tcp?.tls ? { https: { ...serverLimits, ...readCertificate(tcp.tls) } } : {}
  return fastify({
    bodyLimit: largestBody,
    exposeHeadRoutes: false,
    requestTimeout: serverLimits.requestTimeout,
    keepAliveTimeout: serverLimits.keepAliveTimeout,
    http: serverLimits,
    // Of type null only for the compiler: the server over TLS has all that this one has.
    ...(secure as { https?: null }),
    clientErrorHandler: (error, socket) => refuseClient(error, socket, auditHeader(options)),
    frameworkErrors: (_error, _request, reply) =>
      void sendReply(
        reply.headers(auditHeader(options)),
        problem(400, 'this address cannot be read'),
      ),
  }).withTypeProvider<ZodTypeProvider>()
}

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
