import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { addressOptions, isPrivate } from '../notices/address.ts'
import { channels } from '../notices/catalog.ts'

export const noticesSchema = z
  .strictObject({
    ntfy: channels.ntfy.schema.optional(),
    webhook: channels.webhook.schema.optional(),
    email: channels.email.schema.optional(),
    heartbeat: z
      .strictObject({
        ...addressOptions,
        url: addressOptions.url.describe('Asked by GET as long as the scheduler ticks.'),
        every: durationSchema.prefault('1h').describe('How often.'),
      })
      .refine(...isPrivate)
      .optional()
      .describe('A sign of life for a dead-man service.'),
    before: z
      .union(
        [durationSchema, z.literal('never')],
        'not a duration: use 90s 15m 6h 30d 2w, or never',
      )
      .prefault('1d')
      .describe('How long before a restart, or before clients break, it is told.'),
    on_success: z
      .enum(['never', 'first', 'always'])
      .default('first')
      .describe('Whether success is told, too: the first of each material, by default.'),
  })
  .describe('Who is told what needs a person.')

/** What the schema gives. */
export type ParsedNotices = z.output<typeof noticesSchema>
