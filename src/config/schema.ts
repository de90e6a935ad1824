import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { namePattern } from '../model/material.ts'
import { windowSchema } from '../scheduler/window.ts'
import { storeKeySource } from '../store/store-key.ts'
import type { Catalogs } from './catalogs.ts'
import { choices } from './choice.ts'
import { consumerSchema } from './consumer-schema.ts'
import { materialSchema, onMissingSchema } from './material-schema.ts'
import { noticesSchema } from './notices-schema.ts'
import {
  adminSchema,
  backupSchema,
  metricsSchema,
  pathSchema,
  publicSchema,
  recoverySchema,
} from './section-schemas.ts'

const nameSchema = z
  .string()
  .regex(
    namePattern,
    'not a name: use lower-case letters, digits and `-`, a letter first, at most 63',
  )

/**
 * The one schema of the config: checks it, gives it defaults, and is what the JSON Schema and the
 * reference are generated from. Whatever can be chosen comes from the catalogs.
 */
export function configSchema(catalogs: Catalogs) {
  const made = choices(catalogs)
  return z.strictObject({
    mode: z
      .enum(['observe', 'approve', 'rotate'])
      .default('rotate')
      .describe('`observe`: change nothing · `approve`: ask before each rotation · `rotate`.'),
    state_dir: pathSchema
      .default('/var/lib/rekeyd')
      .describe('Where rekeyd keeps its store; no target may lie in it.'),
    store_key: storeKeySource
      .default({ credential: 'store-key' })
      .describe('Where the key that opens the store comes from.'),
    recovery: recoverySchema.optional(),
    backup: backupSchema.optional(),
    admin: adminSchema,
    metrics: metricsSchema,
    public: publicSchema.optional(),
    notices: noticesSchema.optional(),
    defaults: z
      .strictObject({
        on_missing: onMissingSchema
          .default('refuse')
          .describe('As in a material; kinds that cannot be made again want it there.'),
        keep: durationSchema.prefault('30d').describe('As in a material.'),
        window: z.string().optional().describe('As in a material.'),
      })
      .prefault({})
      .describe('For materials that do not say otherwise.'),
    windows: z
      .record(nameSchema, windowSchema)
      .default({})
      .describe('Times at which a rotation may run, by name.'),
    consumers: z
      .record(nameSchema, consumerSchema(catalogs, made))
      .default({})
      .describe('The services that read key material, by name.'),
    materials: z
      .record(nameSchema, materialSchema(catalogs, made))
      .describe('The key material under management, by name.'),
  })
}

/** The config after the schema: durations in milliseconds, defaults filled in, names not yet resolved. */
export type ParsedConfig = z.output<ReturnType<typeof configSchema>>
