import { z } from 'zod'
import { catalogs as all, type Catalogs } from './catalogs.ts'
import { choices } from './choice.ts'
import { consumerShape } from './consumer-schema.ts'
import { materialShape } from './material-schema.ts'
import { configSchema } from './schema.ts'

type Shape = Readonly<Record<string, z.ZodType>>
type Json = z.core.JSONSchema.BaseSchema

const head = `# Every option of rekeyd, one line each, with its default where it has one.
# Written by tools/write-reference.js from the schema; it shows what there is, not a config to run:
# \`…\` stands for a value of your own, and where one is chosen all choices are listed.
`

/** The text of deploy/examples/reference.yaml: every option of every choice, from the schema. */
export function reference(catalogs: Catalogs = all): string {
  const { consumers, materials, ...sections } = configSchema(catalogs).shape
  const made = choices(catalogs)
  const { ready, ...consumerCommon } = consumerShape(made)
  const { rotate, targets, verify, ...common } = materialShape(made)
  return [
    head,
    ...Object.entries(sections).flatMap(([key, schema]) => [...option(key, json(schema), ''), '']),
    line('', 'consumers', '', comment(json(consumers))),
    '  every-consumer:',
    ...options(consumerCommon, '    '),
    line('    ', 'ready', '[]', `${comment(json(ready))} The same as for \`verify\`.`),
    ...Object.entries(catalogs.consumers).flatMap(([type, { schema }]) => [
      `  reached-by-${type}:`,
      ...option(type, json(schema), '    '),
    ]),
    '',
    line('', 'materials', '', comment(json(materials))),
    '  every-material:',
    `    kind: … # One of ${Object.keys(catalogs.kinds).join(', ')}; their own options are below.`,
    ...options(common, '    '),
    ...option('rotate', rotated(catalogs, rotate.description), '    '),
    ...list('targets', targets, catalogs.targets, '    '),
    ...list('verify', verify, catalogs.verifiers, '    '),
    ...Object.entries(catalogs.kinds).flatMap(([type, { schema }]) => [
      `  of-kind-${type}:`,
      `    kind: ${type}`,
      ...options(schema.shape, '    '),
    ]),
    '',
  ].join('\n')
}

/** The forms of all schedules as one. */
function rotated({ schedules }: Catalogs, description = ''): Json {
  const anyOf = Object.values(schedules).flatMap(({ schema }) => {
    const form = json(schema)
    return form.anyOf ?? [form]
  })
  return { description, anyOf }
}

type Entries = Readonly<Record<string, { readonly schema: z.ZodType }>>

/** Every entry of a catalog as an item of a list. */
function list(key: string, schema: z.ZodType, catalog: Entries, indent: string): string[] {
  return [
    line(indent, key, '', comment(json(schema))),
    ...Object.entries(catalog).flatMap(([type, { schema }]) =>
      asItem(option(type, json(schema), `${indent}    `), `${indent}  `),
    ),
  ]
}

function options(shape: Shape, indent: string): string[] {
  return Object.entries(shape).flatMap(([key, schema]) => option(key, json(schema), indent))
}

/** One option, with what is in it, and after it the other forms it may have, as comments. */
function option(key: string, schema: Json, indent: string, required = false): string[] {
  const [form = schema, ...others] = forms(schema)
  const said = comment({ ...form, ...schema }, required)
  const inner = children(form, `${indent}  `)
  return [
    ...(inner.length > 0
      ? [line(indent, key, '', said), ...inner]
      : [line(indent, key, sample({ ...form, ...schema }), said)]),
    ...others.flatMap((other) =>
      option(key, other, '').map((text) => `${indent}# ${text.replace(/^(\S+?):/, 'or $1:')}`),
    ),
  ]
}

function children(schema: Json, indent: string): string[] {
  const { items, properties = {}, additionalProperties: any } = schema
  if (items && typeof items === 'object' && !Array.isArray(items)) {
    return asItem(children(forms(items)[0] ?? items, `${indent}  `), indent)
  }
  const named = Object.entries(properties).flatMap(([key, inner]) =>
    option(key, inner as Json, indent, schema.required?.includes(key)),
  )
  if (named.length > 0 || typeof any !== 'object') return named
  return option('*', any, indent)
}

function asItem([first, ...rest]: readonly string[], indent: string): string[] {
  return first === undefined ? [] : [`${indent}- ${first.trimStart()}`, ...rest]
}

/** The forms that are worth a line, the one with most to show first. */
function forms(schema: Json): Json[] {
  const all = schema.anyOf ?? schema.oneOf ?? [schema]
  const size = ({ properties = {}, type }: Json) =>
    Object.keys(properties).length + (type === 'object' ? 1 : 0)
  const [first = schema, ...rest] = all.toSorted((a, b) => size(b) - size(a))
  return size(first) > 0 ? [first, ...rest] : [{ ...first, ...schema }]
}

function line(indent: string, key: string, value: string, comment: string): string {
  return `${indent}${[`${key === '*' ? 'NAME' : key}:`, value, comment].filter(Boolean).join(' ')}`
}

function sample(schema: Json): string {
  const value = schema.default ?? schema.const
  if (typeof value === 'string' && !needsQuotes(value)) return value
  if (value !== undefined) return JSON.stringify(value)
  if (schema.enum) return String(schema.enum[0])
  if (schema.type === 'object') return '{}'
  return schema.type === 'array' ? '[…]' : '…'
}

/** Anything but a plain word, path, address or duration; an octal number most of all. */
function needsQuotes(text: string): boolean {
  return /^0|[^\w./:-]/.test(text)
}

/** The description, what is allowed, and whether it must be there. */
function comment(schema: Json, required = false): string {
  const words = (schema.enum ?? []).map(String)
  const said = [
    schema.description ?? '',
    words.length > 1 ? `One of ${words.join(', ')}.` : '',
    required && schema.default === undefined ? 'Required.' : '',
  ]
  const text = said.filter(Boolean).join(' ')
  return text && `# ${text}`
}

function json(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { target: 'draft-07', io: 'input' })
}
