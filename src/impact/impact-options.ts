import { z } from 'zod'
import { unlockOptions } from '../sqlcipher/unlock-options.ts'
import { argvOption } from '../support/argv-option.ts'
import { urlOption } from '../support/http-get.ts'
import { jsonPointerOption } from '../support/json-pointer.ts'
import { unprintable } from '../support/printable.ts'
import { pathProblem } from '../support/safe-path.ts'

const rows = z.strictObject({
  path: z
    .string()
    .refine((path) => pathProblem(path) === undefined, 'must be an absolute path')
    .describe('The database file.'),
  ...unlockOptions,
  table: z.string().min(1).describe('The table whose rows are counted.'),
  where: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .default({})
    .describe('Values of columns that the counted rows have; by default all rows count.'),
})

const source = z.union([
  z.strictObject({ sqlite: rows.describe('Rows of a database, read while its consumer runs.') }),
  z.strictObject({
    http: urlOption.describe('Where the number is shown, as JSON.'),
    pointer: jsonPointerOption.describe('Where in the answer it stands.'),
  }),
  z.strictObject({ command: argvOption.describe('A program that prints the number.') }),
])
/** Where a number of clients is read. */
export type CountSource = z.output<typeof source>

const counted = z.strictObject({
  says: z.string().min(1).describe('The same words.'),
  count: source.describe('How many it hits: asked within 5 s, when somebody wants to know.'),
  unit: z
    .string()
    .min(1)
    .max(40)
    .refine((unit) => !unprintable.test(unit), 'has characters that cannot be shown')
    .default('clients')
    .describe('What is counted, as in `412 users`.'),
})
/** Who notices a rotation, with their number. */
export type CountedImpact = z.output<typeof counted>

/** Words alone, or with how the clients that are hit can be counted. */
export const impactOption = z.union([z.string().min(1), counted])
