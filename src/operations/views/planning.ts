import { z } from 'zod'
import { verbs } from '../../consumers/consumer.ts'
import { impactCount } from './material.ts'
import { schemaVersion, time, views } from './registry.ts'

export const planItem = z
  .object({
    at: time,
    material: z.string(),
    action: z.enum(['rotate', 'announce', 'end-overlap', 'destroy', 'expires']),
    window: z.string().exactOptional(),
    consumers: z.array(z.string()),
    note: z.string().exactOptional(),
  })
  .register(views, { id: 'PlanItem' })

export const planView = z
  .object({ schema_version: schemaVersion, items: z.array(planItem) })
  .register(views, { id: 'Plan' })

export const disturbance = z
  .object({
    consumer: z.string(),
    verb: z.enum(verbs),
    usual_seconds: z
      .number()
      .min(0)
      .exactOptional()
      .describe(
        'For how long it was down in its last rotations, in the middle; absent where there was none.',
      ),
    at_most_seconds: z
      .number()
      .min(0)
      .exactOptional()
      .describe(
        'After how long it counts as failed; absent where it keeps running. Changing a database comes on top.',
      ),
  })
  .register(views, { id: 'Disturbance' })

export const dryRun = z
  .object({
    schema_version: schemaVersion,
    material: z.string(),
    steps: z.array(z.string()),
    impact: z.string().exactOptional().describe('What it does to clients.'),
    impact_count: impactCount.exactOptional(),
    consumers: z.array(disturbance).describe('Who would have to take the change up, in order.'),
    next_rotation: time.exactOptional().describe('When it is due by itself, as things stand.'),
    due_again: time
      .exactOptional()
      .describe(
        'When it would be due again if it were rotated now; absent where that depends on what is made.',
      ),
    overlap_until: time
      .exactOptional()
      .describe('Until when clients may go on using the present version if it were rotated now.'),
    window: z.string().exactOptional(),
    refused: z.object({ reason: z.string(), hint: z.string().exactOptional() }).exactOptional(),
  })
  .register(views, { id: 'DryRun' })

const rehearsedStep = z.object({
  name: z
    .string()
    .describe('As in a rotation where it has that step; `check`, `pair` and `plan` beside.'),
  subject: z.string().exactOptional().describe('The place, consumer or verifier.'),
  outcome: z.enum(['done', 'failed', 'not_exercised']),
  detail: z
    .string()
    .exactOptional()
    .describe('What was found, why it failed, or why it was left out.'),
  hint: z.string().exactOptional(),
  seconds: z.number().min(0).exactOptional().describe('How long it took.'),
})

export const rehearsalView = z
  .object({
    schema_version: schemaVersion,
    material: z.string(),
    ok: z.boolean().describe('Whether nothing that was tried failed.'),
    steps: z.array(rehearsedStep),
  })
  .register(views, { id: 'Rehearsal' })

/** What a request to rotate answers that only wants to be told. */
export const tellingView = z
  .union([dryRun, rehearsalView])
  .register(views, { id: 'DryRunOrRehearsal' })
