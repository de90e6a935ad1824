import { z } from 'zod'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { bodySchema, callerOf, numberInQuery, pathSchema, textSchema } from '../request.ts'

const planQuery = z.strictObject({
  days: numberInQuery(0, 3660).default(90).describe('How far to look ahead.'),
})
const auditQuery = z.strictObject({
  after: numberInQuery(0, Number.MAX_SAFE_INTEGER).default(0).describe('The last row seen.'),
  limit: numberInQuery(1, 500).default(100).describe('At most so many rows.'),
})
const pauseBody = bodySchema({
  reason: textSchema.describe('Why they are paused.'),
  until: z.iso.datetime({ offset: true }).exactOptional().describe('Absent: until resumed.'),
})
const backupBody = bodySchema({
  to: pathSchema.exactOptional().describe('Another folder than the configured one.'),
})

/** What concerns all materials. */
export function overviewRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.get('/v1/status', () => operations().status())

  app.get('/v1/plan', { schema: { querystring: planQuery } }, async ({ query }) => ({
    schema_version: 1,
    items: await operations().plan(query.days),
  }))

  app.get('/v1/audit', { schema: { querystring: auditQuery } }, async ({ query }) => ({
    schema_version: 1,
    rows: await operations().audit(query.after, query.limit),
  }))

  app.post('/v1/backup', { schema: { body: backupBody } }, async (request) => ({
    schema_version: 1,
    ...(await operations().backup(request.body.to, callerOf(request))),
  }))

  app.post('/v1/rotate-due', { schema: { body: bodySchema({}) } }, async (request) => ({
    schema_version: 1,
    rotations: await operations().rotateDue(callerOf(request)),
  }))

  app.post('/v1/pause', { schema: { body: pauseBody } }, async (request, reply) => {
    const { until, reason } = request.body
    await operations().pause(undefined, until, reason, callerOf(request))
    return reply.code(204).send()
  })

  app.post('/v1/resume', { schema: { body: bodySchema({}) } }, async (request, reply) => {
    await operations().resume(undefined, callerOf(request))
    return reply.code(204).send()
  })
}
