import { z } from 'zod'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { bodySchema, callerOf, materialParams, textSchema } from '../request.ts'

const pauseBody = bodySchema({
  reason: textSchema.describe('Why.'),
  until: z.iso.datetime({ offset: true }).exactOptional().describe('Absent: until resumed.'),
})

/** Who may do what, and what is answered. */
const routes = {
  pauseAll: {
    scope: 'rotate',
    operation: 'pauseAll',
    answers: { 204: null },
    summary: 'Keeps all materials from rotating by themselves.',
  },
  resumeAll: {
    scope: 'rotate',
    operation: 'resumeAll',
    answers: { 204: null },
    summary: 'Ends the pauses of all materials.',
  },
  pause: {
    scope: 'rotate',
    operation: 'pause',
    answers: { 204: null },
    summary: 'Keeps it from rotating by itself.',
  },
  resume: {
    scope: 'rotate',
    operation: 'resume',
    answers: { 204: null },
    fails: changing,
    summary: 'Ends a pause or a suspension.',
  },
  approve: {
    scope: 'rotate',
    operation: 'approve',
    answers: { 204: null },
    fails: changing,
    summary: 'Lets the rotation that is due happen.',
  },
} as const satisfies Routes

/** What keeps rekeyd from rotating by itself, and what lets it go on. */
export function pauseRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.post(
    '/v1/pause',
    { config: routes.pauseAll, schema: { body: pauseBody } },
    async (request, reply) => {
      const { until, reason } = request.body
      await operations().pause(undefined, until, reason, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/resume',
    { config: routes.resumeAll, schema: { body: bodySchema({}) } },
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
    { config: routes.pause, schema: { params, body: pauseBody } },
    async (request, reply) => {
      const { until, reason } = request.body
      await operations().pause(request.params.name, until, reason, callerOf(request))
      return reply.code(204).send()
    },
  )

  app.post(
    '/v1/materials/:name/resume',
    {
      config: routes.resume,
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
      config: routes.approve,
      schema,
    },
    async (request, reply) => {
      await operations().approve(request.params.name, callerOf(request))
      return reply.code(204).send()
    },
  )
}
