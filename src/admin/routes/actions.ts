import { z } from 'zod'
import type { AdminApp, AdminParts } from '../admin-app.ts'
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
  accept_impact: acceptImpact,
})
const acceptingBody = bodySchema({ accept_impact: acceptImpact })

/** What is done to a material beside rotating it. The answer comes at the end, however long that takes. */
export function actionRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams
  const plain = { schema: { params, body: bodySchema({}) } }
  const accepting = { schema: { params, body: acceptingBody } }

  app.post(
    '/v1/materials/:name/rollback',
    { schema: { params, body: rollbackBody } },
    async (request) => {
      const { why: _, ...options } = request.body
      return operations().rollback(request.params.name, options, callerOf(request))
    },
  )

  app.post('/v1/materials/:name/end-overlap', accepting, async (request) => {
    const { why: _, ...options } = request.body
    return operations().endOverlap(request.params.name, options, callerOf(request))
  })

  app.post('/v1/materials/:name/adopt', plain, async (request) =>
    operations().adopt(request.params.name, callerOf(request)),
  )

  app.post('/v1/materials/:name/apply', accepting, async (request, reply) => {
    const { why: _, ...options } = request.body
    const rotation = await operations().apply(request.params.name, options, callerOf(request))
    return rotation ?? reply.code(204).send()
  })

  app.post(
    '/v1/materials/:name/compromise',
    { schema: { params, body: compromiseBody } },
    async (request) => {
      const { why: _, ...options } = request.body
      return operations().compromise(request.params.name, options, callerOf(request))
    },
  )

  app.post('/v1/materials/:name/verify', plain, async (request) =>
    operations().verify(request.params.name),
  )
}
