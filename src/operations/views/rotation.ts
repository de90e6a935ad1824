import { z } from 'zod'
import { rotationResults, stepNames, triggers } from '../../model/rotation.ts'
import { schemaVersion, time, views } from './registry.ts'

export const stepView = z
  .object({
    name: z.enum(stepNames),
    subject: z
      .string()
      .exactOptional()
      .describe("What it was about: a target's place, a consumer, a verifier."),
    direction: z.enum(['forward', 'back']),
    started: time,
    ended: time.exactOptional(),
    outcome: z.enum(['done', 'failed']).exactOptional(),
    detail: z.string().exactOptional(),
  })
  .register(views, { id: 'Step' })

export const changeView = z
  .object({
    material: z.string(),
    from: z.int().min(1).exactOptional().describe('Absent on a first rotation.'),
    to: z.int().min(1).exactOptional().describe('Absent when an overlap ends.'),
  })
  .register(views, { id: 'Change' })

export const progressShape = {
  step: z.enum(stepNames),
  material: z.string(),
  place: z.string().describe("The target, as the step's subject names it."),
  doing: z.string().describe('What is being done.'),
  done: z.number().min(0),
  total: z.number().min(0),
  unit: z.literal('bytes'),
}

export const rotationView = z
  .object({
    schema_version: schemaVersion,
    id: z.string(),
    trigger: z.enum(triggers),
    actor: z.string().describe('Who asked: `schedule`, `cli:alice`, `api:token-name`.'),
    reason: z.string().exactOptional(),
    started: time,
    ended: time.exactOptional(),
    result: z.enum(rotationResults).exactOptional().describe('Absent while it runs.'),
    detail: z.string().exactOptional().describe('Why it did not succeed.'),
    steps: z.array(stepView),
    progress: z
      .object(progressShape)
      .exactOptional()
      .describe('How far long work is, while it goes on.'),
    changes: z.array(changeView),
  })
  .register(views, { id: 'Rotation' })

export const rotationsView = z
  .object({
    schema_version: schemaVersion,
    rotations: z.array(rotationView),
    next_cursor: z.string().exactOptional().describe('The `cursor` of the next page, if any.'),
  })
  .register(views, { id: 'RotationPage' })

/** Of everything that was due. */
export const dueView = z
  .object({ schema_version: schemaVersion, rotations: z.array(rotationView) })
  .register(views, { id: 'Rotations' })

export const startedView = z
  .object({ schema_version: schemaVersion, id: z.string().describe('Of the rotation.') })
  .register(views, { id: 'StartedRotation' })

export const endangered = z
  .object({
    material: z.string(),
    kind: z.string(),
    through: z.array(z.string()).describe('From the one that leaked to the one that holds it.'),
    impact: z.string().exactOptional(),
    command: z.string().describe('What to type to replace it, too.'),
  })
  .register(views, { id: 'Endangered' })

export const compromiseView = rotationView
  .extend({
    endangers: z
      .array(endangered)
      .describe('What whoever had this one has, too; none of it was replaced.'),
    contained_in: z.array(z.string()).describe('With which materials it may have leaked.'),
    elsewhere: z.array(z.string()).describe('What has to be done where rekeyd does not reach.'),
    purged: z
      .int()
      .min(0)
      .exactOptional()
      .describe('How many backups were deleted, where that was asked for …'),
    purge_failed: z.string().exactOptional().describe('… or why they were not.'),
  })
  .register(views, { id: 'Compromise' })
