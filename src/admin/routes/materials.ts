import { z } from 'zod'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { IdempotencyKeys } from '../idempotency-keys.ts'
import { acceptImpact, bodySchema, callerOf, materialParams, textSchema } from '../request.ts'

const rotateBody = bodySchema({
  reason: z.enum(['manual', 'compromise']).exactOptional().describe('Why it rotates.'),
  dry_run: z.boolean().default(false).describe('Only say what would happen.'),
  now: z.boolean().exactOptional().describe('Outside its window, too.'),
  accept_impact: acceptImpact,
})
const pauseBody = bodySchema({
  reason: textSchema.describe('Why it is paused.'),
  until: z.iso.datetime({ offset: true }).exactOptional().describe('Absent: until resumed.'),
})

/** Materials, and when they rotate. */
export function materialRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams
  const keys = new IdempotencyKeys<{ readonly id: string }>()

  app.get('/v1/materials', async () => {
    const { schema_version, materials } = await operations().status()
    return { schema_version, materials }
  })

  app.get('/v1/materials/:name', { schema: { params } }, (request) =>
    operations().material(request.params.name),
  )

  app.post(
    '/v1/materials/:name/rotate',
    { schema: { params, body: rotateBody } },
    async (request, reply) => {
      const { name } = request.params
      const { dry_run, why: _, ...options } = request.body
      if (dry_run) return operations().dryRun(name, options)
      const caller = callerOf(request)
      const asked = JSON.stringify([name, request.body])
      const started = await keys.once(request.headers['idempotency-key'], asked, () =>
        operations().startRotation(name, options, caller),
      )
      return reply
        .code(202)
        .header('Location', `/v1/rotations/${started.id}`)
        .send({ schema_version: 1, ...started })
    },
  )

  app.post(
    '/v1/materials/:name/pause',
    { schema: { params, body: pauseBody } },
    async (request, reply) => {
      const { until, reason } = request.body
      await operations().pause(request.params.name, until, reason, callerOf(request))
      return reply.code(204).send()
    },
  )

  const schema = { params, body: bodySchema({}) }
  app.post('/v1/materials/:name/resume', { schema }, async (request, reply) => {
    await operations().resume(request.params.name, callerOf(request))
    return reply.code(204).send()
  })

  app.post('/v1/materials/:name/approve', { schema }, async (request, reply) => {
    await operations().approve(request.params.name, callerOf(request))
    return reply.code(204).send()
  })
}
