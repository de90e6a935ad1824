import { z } from 'zod'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { bodySchema, callerOf, materialParams, textSchema } from '../request.ts'

const pauseBody = bodySchema({
  reason: textSchema.describe('Why.'),
  until: z.iso.datetime({ offset: true }).exactOptional().describe('Absent: until resumed.'),
})

/** What keeps rekeyd from rotating by itself, and what lets it go on. */
export function pauseRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.post(
    '/v1/pause',
    {
      config: {
        scope: 'rotate',
        operation: 'pauseAll',
        answers: { 204: null },
        summary: 'Keeps all materials from rotating by themselves.',
      },
      schema: { body: pauseBody },
    },
    async (request, reply) => {
      const { until, reason } = request.body
      await operations().pause(undefined, until, reason, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/resume',
    {
      config: {
        scope: 'rotate',
        operation: 'resumeAll',
        answers: { 204: null },
        summary: 'Ends the pauses of all materials.',
      },
      schema: { body: bodySchema({}) },
    },
    async (request, reply) => {
      await operations().resume(undefined, callerOf(request))
      return reply.code(204).send()
    },
  )
}

/** The same for one material. */
export function materialPauseRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams
  const schema = { params, body: bodySchema({}) }

  app.post(
    '/v1/materials/:name/pause',
    {
      config: {
        scope: 'rotate',
        operation: 'pause',
        answers: { 204: null },
        summary: 'Keeps it from rotating by itself.',
      },
      schema: { params, body: pauseBody },
    },
    async (request, reply) => {
      const { until, reason } = request.body
      await operations().pause(request.params.name, until, reason, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/materials/:name/resume',
    {
      config: {
        scope: 'rotate',
        operation: 'resume',
        answers: { 204: null },
        fails: changing,
        summary: 'Ends a pause or a suspension.',
      },
      schema,
    },
    async (request, reply) => {
      await operations().resume(request.params.name, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/materials/:name/approve',
    {
      config: {
        scope: 'rotate',
        operation: 'approve',
        answers: { 204: null },
        fails: changing,
        summary: 'Lets the rotation that is due happen.',
      },
      schema,
    },
    async (request, reply) => {
      await operations().approve(request.params.name, callerOf(request))
      return reply.code(204).send()
    },
  )
}
