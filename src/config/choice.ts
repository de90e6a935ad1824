import { z } from 'zod'
import type { Catalogs } from './catalogs.ts'

/** An entry of a catalog, chosen: its name there, and options as its schema gives them. */
export interface Choice {
  readonly type: string
  readonly options: unknown
}

/** What the config lets choose, each made once: the JSON Schema names them. */
export function choices({ schedules, targets, verifiers }: Catalogs) {
  return {
    rotate: wholeChoice(schedules).meta({ id: 'rotate' }),
    target: choice(targets).meta({ id: 'target' }),
    verifier: choice(verifiers).meta({ id: 'verifier' }),
  }
}

export type Choices = ReturnType<typeof choices>

type Entries = Readonly<Record<string, { readonly schema: z.ZodType }>>

/** A choice as a one-key map, `file: { … }`, or as the bare word where every option can be left out. */
function choice(catalog: Entries): z.ZodType<Choice> {
  return z.union(
    Object.entries(catalog).flatMap(([type, { schema }]) => {
      const map = z
        .strictObject({ [type]: schema })
        .transform((chosen): Choice => ({ type, options: chosen[type] }))
      return takesNothing(schema) ? [map, word(type, schema)] : [map]
    }),
  )
}

/** A choice whose schema is that of the whole value, name included: `{ every: 30d, first: … }`. */
function wholeChoice(catalog: Entries): z.ZodType<Choice> {
  return z.union(
    Object.entries(catalog).map(([type, { schema }]) =>
      schema.transform((options): Choice => ({ type, options })),
    ),
  )
}

function word(type: string, schema: z.ZodType) {
  return z
    .literal(type)
    .describe(schema.description ?? type)
    .transform((): Choice => ({ type, options: schema.parse({}) }))
}

function takesNothing(schema: z.ZodType): boolean {
  return schema.safeParse({}).success
}
