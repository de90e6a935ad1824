import { z } from 'zod'
import { views } from '../../operations/views/registry.ts'

/** The part of JSON Schema that parameters need. */
interface ObjectSchema {
  readonly properties?: Readonly<Record<string, object>>
  readonly required?: readonly string[]
}

/** What is sent, before defaults are filled in. */
export function requestSchema(schema: unknown): ObjectSchema {
  const { $schema: _, ...form } = z.toJSONSchema(schema as z.ZodType, { io: 'input' })
  return form as ObjectSchema
}

/** @throws RangeError for a schema without a name: clients would have no name for the type */
export function answerSchema(schema: z.ZodType): object {
  const { id } = views.get(schema) ?? {}
  if (id === undefined) throw new RangeError('the schema of an answer has no name')
  return { $ref: refOf(id) }
}

/**
 * Every named schema. Objects are left open: a later version of rekeyd may answer with more fields, which are
 * nothing to an older client.
 */
export function namedSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(views, {
    uri: refOf,
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
  for (const schema of Object.values(schemas)) {
    delete schema.$schema
    delete schema.$id
  }
  return schemas
}

function refOf(id: string): string {
  return `#/components/schemas/${id}`
}
