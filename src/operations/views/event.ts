import { z } from 'zod'
import { materialStates } from '../../model/material.ts'
import { noticeResults } from '../../model/notice.ts'
import { rotationResults, stepNames, triggers } from '../../model/rotation.ts'
import { versionView } from './material.ts'
import { time, views } from './registry.ts'
import { changeView, progressShape } from './rotation.ts'

/** One thing that happened. */
function event<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ type: z.literal(type), at: time, ...shape })
}

const id = z.string().describe('Of the rotation.')
const rotation = { id, trigger: z.enum(triggers), changes: z.array(changeView) }
const version = { material: z.string(), version: versionView }
const reason = z.string().exactOptional()

/** The data of a server-sent event, by the name that the event has, too. */
export const eventView = z
  .discriminatedUnion('type', [
    event('rotation.started', rotation),
    event('rotation.step', {
      id,
      step: z.enum(stepNames),
      seconds: z.number(),
      outcome: z.enum(['done', 'failed']),
    }),
    event('rotation.progress', { id, ...progressShape }),
    event('rotation.finished', {
      ...rotation,
      result: z.enum(rotationResults),
      seconds: z.number(),
      detail: z.string().exactOptional(),
    }),
    event('version.active', version),
    event('version.announced', version),
    event('version.retired', version),
    event('version.destroyed', version),
    event('material.state', { material: z.string(), state: z.enum(materialStates), reason }),
    event('drift', {
      material: z.string(),
      where: z.enum(['target', 'consumer']),
      place: z.string(),
      found: z.boolean().describe('False: it is over.'),
    }),
    event('consumer.restarted', { consumer: z.string(), downtimeSeconds: z.number() }),
    event('clock.suspect', { suspect: z.boolean(), reason }),
    event('store.error', { operation: z.string() }),
    event('backup.finished', {
      ok: z.boolean(),
      path: z.string().exactOptional().describe('Where it is.'),
      reason: reason.describe('Why there is none.'),
    }),
    event('config.reloaded', { ok: z.boolean(), reason }),
    event('notice', {
      channel: z.string(),
      title: z.string(),
      result: z.enum(noticeResults),
      reason,
    }),
  ])
  .register(views, { id: 'Event' })
