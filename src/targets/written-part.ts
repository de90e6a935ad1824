import { z } from 'zod'
import { type Format, formats } from '../model/material.ts'
import { pathProblem } from '../support/safe-path.ts'
import { type Role, roles } from './target.ts'

/** Options of every target that writes one part: which, how encoded, and of which version. */
export const writtenPart = {
  part: z.string().optional().describe("Part of the material; by default the kind's first."),
  format: z.enum(formats).optional().describe("Encoding; by default the part's first."),
  version: z.enum(roles).default('active').describe('Which version is written here.'),
}

/** An absolute path that rekeyd may write to. */
export const targetPath = z.string().superRefine((path, context) => {
  const problem = pathProblem(path)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const account = z.union([
  z.string().regex(/^[A-Za-z_][\w.-]{0,31}$/, { error: 'not a name of a user or group' }),
  z.int().nonnegative(),
])

/** Who may read the file. Left out, an existing file keeps what it has and a new one gets 0600. */
export const fileOwnership = {
  owner: account.optional().describe('User who owns the file, by name or number.'),
  group: account.optional().describe('Group of the file, by name or number.'),
  mode: z
    .string({
      error: ({ input }) =>
        typeof input === 'number'
          ? `write the mode in quotes, as in "0600": without them YAML reads the number ${input}`
          : 'a mode is text of octal digits, as in "0600"',
    })
    .regex(/^0?[0-7]{3}$/, { error: 'a mode is three or four octal digits, as in "0600"' })
    .refine((mode) => (parseInt(mode, 8) & 0o002) === 0, { error: 'lets everybody write the file' })
    .optional()
    .describe('Permission bits as quoted octal text, as in "0640".'),
}

/** The fields of {@link Target} that come from {@link writtenPart}. */
export function writtenFields(options: {
  readonly part?: string | undefined
  readonly format?: Format | undefined
  readonly version: Role
}): { readonly role: Role; readonly part?: string; readonly format?: Format } {
  const { part, format, version } = options
  return { role: version, ...(part !== undefined && { part }), ...(format && { format }) }
}
