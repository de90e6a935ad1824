import { z } from 'zod'
import { unlockOptions } from '../sqlcipher/unlock-options.ts'
import { argvOption } from '../support/argv-option.ts'
import { urlOption } from '../support/http-get.ts'
import { jsonPointerOption } from '../support/json-pointer.ts'
import { pathProblem } from '../support/safe-path.ts'
import { unitOption } from '../support/systemctl.ts'

const path = z
  .string()
  .refine((path) => pathProblem(path) === undefined, 'must be an absolute path')

const rowOption = z.strictObject({
  path: path.describe('The database file.'),
  ...unlockOptions,
  table: z.string().min(1).describe('The table.'),
  where: z
    .record(z.string(), z.union([z.string(), z.number()]))
    .refine((where) => Object.keys(where).length > 0, 'names no column')
    .describe('Values of columns that together match exactly one row.'),
  column: z
    .string()
    .min(1)
    .optional()
    .describe('The column that holds the value; by default the only one that `where` leaves.'),
})
/** One row of a consumer's database. */
export type RowOptions = z.output<typeof rowOption>

const rowSource = z.strictObject({ sqlite_row: rowOption.describe('A row of its database.') })
const fileSource = z.strictObject({ file: path.describe('A file of its own.') })
const reset = z.union([rowSource, fileSource])
const trigger = z.union([
  z.strictObject({
    systemd: unitOption.describe('A oneshot unit that makes the consumer rotate.'),
    systemctl: z
      .string()
      .startsWith('/')
      .optional()
      .describe('Path of systemctl, where it is in no usual place.'),
  }),
  z.strictObject({ command: argvOption.describe('A program that makes the consumer rotate.') }),
])
const observe = z.union([
  z.strictObject({
    http: urlOption.describe('Where the consumer shows its public value, as JSON.'),
    pointer: jsonPointerOption.describe('Where in the answer it stands.'),
  }),
  rowSource,
  fileSource,
  z.strictObject({ command: argvOption.describe('A program that prints the public value.') }),
])
/** What is deleted, and so archived before. */
export type Reset = z.output<typeof reset>
export type Trigger = z.output<typeof trigger>
/** Where the value in use is seen. */
export type Source = z.output<typeof observe>

export const consumerMadeOptions = z.strictObject({
  trigger: trigger.optional().describe('What makes the consumer rotate, while it runs.'),
  reset: reset
    .optional()
    .describe('What is deleted while the consumer is stopped, so that it makes another one.'),
  observe: observe
    .optional()
    .describe('How the value in use is seen; by default a fingerprint of what is reset.'),
})
export type ConsumerMadeOptions = z.output<typeof consumerMadeOptions>
