import { z } from 'zod'
import { namePattern } from '../../model/material.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { bodySchema, callerOf, numberInQuery, pathSchema } from '../request.ts'

const planQuery = z.strictObject({
  days: numberInQuery(0, 3660).default(90).describe('How far to look ahead.'),
})
const auditQuery = z.strictObject({
  after: numberInQuery(0, Number.MAX_SAFE_INTEGER).default(0).describe('The last row seen.'),
  limit: numberInQuery(1, 500).default(100).describe('At most so many rows.'),
})
const backupBody = bodySchema({
  to: pathSchema.exactOptional().describe('Another folder than the configured one.'),
})

const tokenChangeBody = bodySchema({
  done: z.enum(['add', 'revoke']),
  name: z.string().regex(namePattern, 'is no name of a token'),
  scope: z.enum(['read', 'rotate', 'admin']).exactOptional(),
  expires: z.iso.datetime().exactOptional(),
})

/** What concerns all materials. */
export function overviewRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.get('/v1/status', { config: { scope: 'read', summary: 'Where everything stands.' } }, () =>
    operations().status(),
  )

  app.get(
    '/v1/plan',
    {
      config: { scope: 'read', summary: 'What will happen in the next days.' },
      schema: { querystring: planQuery },
    },
    async ({ query }) => ({
      schema_version: 1,
      items: await operations().plan(query.days),
    }),
  )

  app.get(
    '/v1/audit',
    {
      config: { scope: 'read', summary: 'Rows of the audit log, the oldest first.' },
      schema: { querystring: auditQuery },
    },
    async ({ query }) => ({
      schema_version: 1,
      rows: await operations().audit(query.after, query.limit),
    }),
  )

  app.post(
    '/v1/backup',
    {
      config: { scope: 'admin', summary: 'Makes an encrypted backup.', socketOnly: true },
      schema: { body: backupBody },
    },
    async (request) => ({
      schema_version: 1,
      ...(await operations().backup(request.body.to, callerOf(request))),
    }),
  )

  app.post(
    '/v1/api-tokens/changes',
    {
      config: {
        scope: 'admin',
        summary: 'Puts into the audit log what was done to the file of tokens.',
        socketOnly: true,
      },
      schema: { body: tokenChangeBody },
    },
    async (request, reply) => {
      const { why: _, ...change } = request.body
      await operations().tokenChanged(change, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/rotate-due',
    {
      config: { scope: 'rotate', summary: 'Rotates everything that is due.' },
      schema: { body: bodySchema({}) },
    },
    async (request) => ({
      schema_version: 1,
      rotations: await operations().rotateDue(callerOf(request)),
    }),
  )
}
