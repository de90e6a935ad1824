import { verifyView } from '../../operations/views/checks.ts'
import { versionView } from '../../operations/views/material.ts'
import { rotationView } from '../../operations/views/rotation.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { acceptImpact, bodySchema, callerOf, materialParams } from '../request.ts'

/** What the targets and consumers of a material hold, and what to do about it. */
export function placeRoutes(app: AdminApp, { operations }: AdminParts): void {
  const schema = { params: materialParams, body: bodySchema({}) }

  app.post(
    '/v1/materials/:name/adopt',
    {
      config: {
        scope: 'admin',
        operation: 'adopt',
        answers: { 200: versionView },
        fails: changing,
        summary: 'Takes what is live as the active version.',
      },
      schema,
    },
    async (request) => operations().adopt(request.params.name, callerOf(request)),
  )

  app.post(
    '/v1/materials/:name/apply',
    {
      config: {
        scope: 'rotate',
        operation: 'apply',
        answers: { 200: rotationView, 204: null },
        fails: changing,
        summary: 'Writes the active version to its targets.',
      },
      schema: { params: materialParams, body: bodySchema({ accept_impact: acceptImpact }) },
    },
    async (request, reply) => {
      const { why: _, ...options } = request.body
      const rotation = await operations().apply(request.params.name, options, callerOf(request))
      return rotation ?? reply.code(204).send()
    },
  )

  app.post(
    '/v1/materials/:name/verify',
    {
      config: {
        scope: 'rotate',
        operation: 'verify',
        answers: { 200: verifyView },
        fails: changing,
        summary: 'Asks every verifier and target now.',
      },
      schema,
    },
    async (request) => operations().verify(request.params.name),
  )
}
