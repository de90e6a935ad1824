import { z } from 'zod'
import { compromiseView, rotationView } from '../../operations/views/rotation.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { acceptImpact, bodySchema, callerOf, materialParams } from '../request.ts'

const rollbackBody = bodySchema({
  to: z.int().min(1).exactOptional().describe('The version to give back; by default the previous.'),
  accept_impact: acceptImpact,
})
const compromiseBody = bodySchema({
  on_failure: z
    .enum(['stay-down', 'old'])
    .exactOptional()
    .describe('What to do when the new version is not accepted.'),
  purge: z.boolean().exactOptional().describe('Delete the backups, which contain the old value.'),
  accept_impact: acceptImpact,
})

/** Who may do what, and what is answered. */
const routes = {
  rollback: {
    scope: 'admin',
    operation: 'rollback',
    answers: { 200: rotationView },
    fails: changing,
    summary: 'Gives a previous version back.',
  },
  endOverlap: {
    scope: 'admin',
    operation: 'endOverlap',
    answers: { 200: rotationView },
    fails: changing,
    summary: 'Clients may no longer use the previous version.',
  },
  compromise: {
    scope: 'admin',
    operation: 'compromise',
    answers: { 200: compromiseView },
    fails: changing,
    summary: 'Replaces a version that leaked, without overlap.',
  },
} as const satisfies Routes

/** What ends a version otherwise than on schedule. The answer comes at the end, however long that takes. */
export function actionRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams

  app.post(
    '/v1/materials/:name/rollback',
    { config: routes.rollback, schema: { params, body: rollbackBody } },
    async (request) => {
      const { why: _, ...options } = request.body
      return operations().rollback(request.params.name, options, callerOf(request))
    },
  )

  app.post(
    '/v1/materials/:name/end-overlap',
    {
      config: routes.endOverlap,
      schema: { params, body: bodySchema({ accept_impact: acceptImpact }) },
    },
    async (request) => {
      const { why: _, ...options } = request.body
      return operations().endOverlap(request.params.name, options, callerOf(request))
    },
  )

  app.post(
    '/v1/materials/:name/compromise',
    { config: routes.compromise, schema: { params, body: compromiseBody } },
    async (request) => {
      const { why: _, ...options } = request.body
      return operations().compromise(request.params.name, options, callerOf(request))
    },
  )
}
