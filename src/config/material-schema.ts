import { z } from 'zod'
import { impactOption } from '../impact/impact-options.ts'
import { durationSchema } from '../model/duration-schema.ts'
import type { Catalogs } from './catalogs.ts'
import type { Choices } from './choice.ts'

export const onMissingSchema = z.enum(['refuse', 'create'])

/** What every material has, whatever its kind. */
export function materialShape({ rotate, target, verifier }: Choices) {
  return {
    rotate: rotate.describe('When the next rotation is due.'),
    targets: z
      .array(target)
      .default([])
      .describe('Where it is written to; all of them change in the same rotation.'),
    consumers: z
      .array(z.string())
      .optional()
      .describe(
        'Who reads it, in the order in which they are restarted; by default those of the material that `db_key` names.',
      ),
    verify: z
      .union([
        z.literal('none').transform(() => []),
        z.array(verifier).min(1, 'is empty; write `verify: none` to go without proof'),
      ])
      .optional()
      .describe('Proofs that the consumer uses the new version; `none` goes without, visibly.'),
    overlap: durationSchema
      .optional()
      .describe('How long clients may still use the previous version.'),
    keep: durationSchema
      .optional()
      .describe('How long rekeyd can still give the previous version back.'),
    window: z.string().optional().describe('Window in which it may rotate; `none` for any time.'),
    announce: durationSchema
      .optional()
      .describe('How long before its rotation the next version is made and can be revealed.'),
    approval: z
      .literal('required')
      .optional()
      .describe('`required`: wait for `rekeyd approve` before each rotation.'),
    on_missing: onMissingSchema
      .optional()
      .describe(
        'When a target is empty at the first start: `refuse`, or `create` the first version.',
      ),
    contains: z
      .array(z.string())
      .default([])
      .describe('Materials that whoever has this one can read.'),
    impact: impactOption.optional().describe('Who notices a rotation, in words.'),
    public: z.boolean().default(false).describe('Serve the public part on the public listener.'),
  }
}

/** What a material is before defaults and names are resolved; `options` are those of its kind. */
export type ParsedMaterial = z.output<z.ZodObject<ReturnType<typeof materialShape>>> & {
  readonly kind: { readonly type: string; readonly options: unknown }
}

/**
 * A material: common keys and those of its kind side by side, told apart by `kind`. Extending the kind's
 * own schema keeps what it checks across its keys.
 */
export function materialSchema({ kinds }: Catalogs, choices: Choices): z.ZodType<ParsedMaterial> {
  const shape = materialShape(choices)
  const [first, ...rest] = Object.entries(kinds).map(([type, { schema }]) => {
    const own = Object.keys(schema.shape)
    const taken = own.find((key) => key === 'kind' || key in shape)
    if (taken) throw new RangeError(`kind ${type}: every material has the key ${taken} already`)
    return schema.safeExtend({
      kind: z.literal(type).describe(schema.description ?? `Kind of key material: ${type}.`),
      ...shape,
    })
  })
  if (!first) throw new RangeError('no kinds')
  return z.discriminatedUnion('kind', [first, ...rest]).transform((material) => {
    const type = String(material['kind'])
    const own = Object.keys(kinds[type]?.schema.shape ?? {})
    const options = Object.fromEntries(
      own.filter((key) => key in material).map((key) => [key, material[key]]),
    )
    return { ...material, kind: { type, options } } as unknown as ParsedMaterial
  })
}
