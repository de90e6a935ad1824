import { z } from 'zod'
import { planView } from '../../operations/views/planning.ts'
import { madeBackupView } from '../../operations/views/records.ts'
import { dueView } from '../../operations/views/rotation.ts'
import { statusView } from '../../operations/views/status.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { bodySchema, callerOf, numberInQuery, pathSchema } from '../request.ts'

const planQuery = z.strictObject({
  days: numberInQuery(0, 3660).default(90).describe('How far to look ahead.'),
})
const backupBody = bodySchema({
  to: pathSchema.exactOptional().describe('Another folder than the configured one.'),
})

/** Who may do what, and what is answered. */
const routes = {
  getStatus: {
    scope: 'read',
    operation: 'getStatus',
    answers: { 200: statusView },
    summary: 'Where everything stands.',
  },
  getPlan: {
    scope: 'read',
    operation: 'getPlan',
    answers: { 200: planView },
    summary: 'What will happen in the next days.',
  },
  makeBackup: {
    scope: 'admin',
    operation: 'makeBackup',
    answers: { 200: madeBackupView },
    fails: changing,
    summary: 'Makes an encrypted backup.',
    socketOnly: true,
  },
  rotateDue: {
    scope: 'rotate',
    operation: 'rotateDue',
    answers: { 200: dueView },
    fails: changing,
    summary: 'Rotates everything that is due.',
  },
} as const satisfies Routes

/** What concerns all materials. */
export function overviewRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.get('/v1/status', { config: routes.getStatus }, () => operations().status())

  app.get(
    '/v1/plan',
    { config: routes.getPlan, schema: { querystring: planQuery } },
    async ({ query }) => ({
      schema_version: 1,
      items: await operations().plan(query.days),
    }),
  )

  app.post(
    '/v1/backup',
    { config: routes.makeBackup, schema: { body: backupBody } },
    async (request) => ({
      schema_version: 1,
      ...(await operations().backup(request.body.to, callerOf(request))),
    }),
  )

  app.post(
    '/v1/rotate-due',
    { config: routes.rotateDue, schema: { body: bodySchema({}) } },
    async (request) => ({
      schema_version: 1,
      rotations: await operations().rotateDue(callerOf(request)),
    }),
  )
}
