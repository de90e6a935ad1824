import { z } from 'zod'
import { materialsView, materialView } from '../../operations/views/material.ts'
import { tellingView } from '../../operations/views/planning.ts'
import { startedView } from '../../operations/views/rotation.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { IdempotencyKeys } from '../idempotency-keys.ts'
import { acceptImpact, bodySchema, callerOf, materialParams } from '../request.ts'

const rotateBody = bodySchema({
  reason: z.enum(['manual', 'compromise']).exactOptional().describe('Why it rotates.'),
  dry_run: z.boolean().default(false).describe('Only say what would happen.'),
  rehearse: z
    .boolean()
    .default(false)
    .describe('Try everything but the switch, answer with the steps at the end, and keep nothing.'),
  now: z.boolean().exactOptional().describe('Outside its window, too.'),
  accept_impact: acceptImpact,
})

/** Who may do what, and what is answered. */
const routes = {
  listMaterials: {
    scope: 'read',
    operation: 'listMaterials',
    answers: { 200: materialsView },
    summary: 'All materials.',
  },
  getMaterial: {
    scope: 'read',
    operation: 'getMaterial',
    answers: { 200: materialView },
    summary: 'One material.',
  },
  rotate: {
    scope: 'rotate',
    // What is marked compromised never comes back: the same as the route of that name.
    scopeOf: (body) => (rotateBody.parse(body).reason === 'compromise' ? 'admin' : 'rotate'),
    operation: 'rotate',
    answers: { 200: tellingView, 202: startedView },
    fails: changing,
    takes: ['Idempotency-Key'],
    sends: ['Location'],
    summary:
      'Starts a rotation; `Idempotency-Key` is honoured. With `dry_run` or `rehearse` it only tells: 200.',
  },
} as const satisfies Routes

/** Materials, and their rotation. */
export function materialRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams
  const keys = new IdempotencyKeys<{ readonly id: string }>()

  app.get('/v1/materials', { config: routes.listMaterials }, async () => {
    const { schema_version, materials } = await operations().status()
    return { schema_version, materials }
  })

  app.get('/v1/materials/:name', { config: routes.getMaterial, schema: { params } }, (request) =>
    operations().material(request.params.name),
  )

  app.post(
    '/v1/materials/:name/rotate',
    { config: routes.rotate, schema: { params, body: rotateBody } },
    async (request, reply) => {
      const { name } = request.params
      const { dry_run, rehearse, why: _, ...options } = request.body
      if (dry_run) return operations().dryRun(name, options)
      const caller = callerOf(request)
      if (rehearse) return operations().rehearse(name, caller)
      const asked = JSON.stringify([caller.who, name, request.body])
      const started = await keys.once(request.headers['idempotency-key'], asked, () =>
        operations().startRotation(name, options, caller),
      )
      return reply
        .code(202)
        .header('Location', `/v1/rotations/${started.id}`)
        .send({ schema_version: 1, ...started })
    },
  )
}
