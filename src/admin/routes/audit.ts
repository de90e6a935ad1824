import { z } from 'zod'
import { namePattern } from '../../model/material.ts'
import { auditView } from '../../operations/views/records.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { bodySchema, callerOf, numberInQuery } from '../request.ts'

const auditQuery = z.strictObject({
  after: numberInQuery(0, Number.MAX_SAFE_INTEGER).default(0).describe('The last row seen.'),
  limit: numberInQuery(1, 500).default(100).describe('At most so many rows.'),
})
const tokenChangeBody = bodySchema({
  done: z.enum(['add', 'revoke']),
  name: z.string().regex(namePattern, 'is no name of a token'),
  scope: z.enum(['read', 'rotate', 'admin']).exactOptional(),
  expires: z.iso.datetime().exactOptional(),
})

/** Who may do what, and what is answered. */
const routes = {
  listAuditRows: {
    scope: 'read',
    operation: 'listAuditRows',
    answers: { 200: auditView },
    summary: 'Rows of the audit log, the oldest first.',
  },
  tellTokenChange: {
    scope: 'admin',
    operation: 'tellTokenChange',
    answers: { 204: null },
    summary: 'Puts into the audit log what was done to the file of tokens.',
    socketOnly: true,
  },
} as const satisfies Routes

/** The audit log, and what is told to it from outside of the store. */
export function auditRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.get(
    '/v1/audit',
    { config: routes.listAuditRows, schema: { querystring: auditQuery } },
    async ({ query }) => ({
      schema_version: 1,
      rows: await operations().audit(query.after, query.limit),
    }),
  )

  app.post(
    '/v1/api-tokens/changes',
    { config: routes.tellTokenChange, schema: { body: tokenChangeBody } },
    async (request, reply) => {
      const { why: _, ...change } = request.body
      await operations().tokenChanged(change, callerOf(request))
      return reply.code(204).send()
    },
  )
}
