import { z } from 'zod'
import { verbs } from '../consumers/consumer.ts'
import { durationSchema } from '../model/duration-schema.ts'
import type { Catalogs } from './catalogs.ts'
import type { Choices } from './choice.ts'

/** What every consumer has, whichever way it is reached. */
export function consumerShape({ verifier }: Choices) {
  return {
    apply: z
      .enum(verbs)
      .default('restart')
      .describe(
        'Least verb that takes up a change; a stronger one is used where a target needs it.',
      ),
    ready: z
      .array(verifier)
      .default([])
      .describe('Checks that must all say yes before it counts as up again.'),
    timeouts: z
      .strictObject({
        stop: durationSchema.prefault('90s').describe('How long stopping may take.'),
        start: durationSchema.prefault('90s').describe('How long starting or reloading may take.'),
        ready: durationSchema.prefault('60s').describe('How long it may take until it is ready.'),
      })
      .prefault({})
      .describe('How long to wait before an attempt has failed.'),
    dwell: durationSchema.prefault('10s').describe('How long it must still be well after that.'),
    max_restarts: z
      .int()
      .min(1)
      .default(3)
      .describe('Restarts in one window, tries after a failure included.'),
  }
}

/** A consumer: the common keys and exactly one that says how it is reached. */
export function consumerSchema({ consumers }: Catalogs, choices: Choices) {
  const types = Object.keys(consumers)
  const ways: Record<string, z.ZodType> = Object.fromEntries(
    Object.entries(consumers).map(([type, { schema }]) => [
      type,
      schema.optional().describe(schema.description ?? `How it is reached: by ${type}.`),
    ]),
  )
  const common = z.strictObject(consumerShape(choices))
  return common
    .extend(ways)
    .superRefine((consumer, context) => {
      const given = types.filter((type) => type in consumer)
      if (given.length === 1) return
      const message =
        given.length === 0
          ? `does not say how it is reached; add one of ${types.join(', ')}`
          : `is reached in one way only; remove all but one of ${given.join(', ')}`
      context.addIssue(message)
    })
    .transform((consumer) => {
      const type = types.find((name) => name in consumer) ?? ''
      const options: unknown = consumer[type]
      return { ...(consumer as z.output<typeof common>), reach: { type, options } }
    })
}
