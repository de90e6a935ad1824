import { z } from 'zod'
import { catalogs as all, type Catalogs } from './catalogs.ts'
import { configSchema } from './schema.ts'

/** The config as JSON Schema, draft-07, which is what editors read: `rekeyd schema` prints it. */
export function jsonSchema(catalogs: Catalogs = all) {
  const schema = z.toJSONSchema(configSchema(catalogs), {
    target: 'draft-07',
    io: 'input',
    override({ jsonSchema }) {
      // zod's own name for what the pattern beside it says.
      if (jsonSchema.format === 'starts_with') delete jsonSchema.format
    },
  })
  return { title: 'rekeyd configuration', ...schema }
}
