import { z } from 'zod'
import type { Events } from '../../model/events.ts'
import { namePattern } from '../../model/material.ts'
import type { Operations } from '../../operations/operations.ts'
import { rotationsView, rotationView } from '../../operations/views/rotation.ts'
import type { RotationView } from '../../operations/views.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { numberInQuery, rotationParams } from '../request.ts'

/** The longest that a request waits for the end of a rotation; whoever wants more asks again. */
const longestWait = 25_000

const historyQuery = z.strictObject({
  material: z.string().regex(namePattern, 'is no name of a material').exactOptional(),
  limit: numberInQuery(1, 500).default(50).describe('At most so many, newest first.'),
  cursor: rotationParams.shape.id.exactOptional().describe('`next_cursor` of the page before.'),
})
const rotationQuery = z.strictObject({
  wait: z.literal('1', 'must be 1').exactOptional().describe('Answer when it has ended.'),
})

/** Rotations, under way and ended. */
export function rotationRoutes(
  app: AdminApp,
  { operations, events, clock, closing }: AdminParts,
): void {
  app.get(
    '/v1/rotations',
    {
      config: {
        scope: 'read',
        operation: 'listRotations',
        answers: { 200: rotationsView },
        summary: 'Rotations, the newest first.',
      },
      schema: { querystring: historyQuery },
    },
    async ({ query }) => {
      const { cursor, ...rest } = query
      const before = cursor === undefined ? {} : { before: cursor }
      const rotations = await operations().history({ ...rest, ...before })
      const last = rotations.length === query.limit ? rotations.at(-1) : undefined
      return { schema_version: 1, rotations, ...(last && { next_cursor: last.id }) }
    },
  )

  app.get(
    '/v1/rotations/:id',
    {
      config: {
        scope: 'read',
        operation: 'getRotation',
        answers: { 200: rotationView },
        summary: 'One rotation, with its steps.',
      },
      schema: { params: rotationParams, querystring: rotationQuery },
    },
    async ({ params, query }, reply) => {
      if (query.wait === undefined) return operations().rotation(params.id)
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const enough = AbortSignal.any([gone.signal, closing])
      const timeout = clock.sleep(longestWait, enough).catch(() => {})
      return ended(params.id, operations(), events, timeout)
    },
  )
}

/** The rotation once it has ended, or as it is when `enough` resolves. */
async function ended(
  id: string,
  operations: Operations,
  events: Events,
  enough: Promise<void>,
): Promise<RotationView> {
  const finished = Promise.withResolvers<void>()
  const stop = events.on('rotation.finished', (event) => {
    if (event.id === id) finished.resolve()
  })
  try {
    const seen = await Promise.race([operations.wait(id), enough])
    if (seen?.result !== undefined) return seen
    await Promise.race([finished.promise, enough])
    return await operations.rotation(id)
  } finally {
    stop()
  }
}
