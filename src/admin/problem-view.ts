import { z } from 'zod'
import { errorCodes } from '../operations/operations.ts'
import { views } from '../operations/views/registry.ts'
import type { ErrorKind } from '../support/operator-error.ts'

/** What went wrong, as RFC 9457 has it. */
export const problemView = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().describe('What the status is called.'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What is wrong, for a person.'),
    kind: z
      .enum(Object.keys(errorCodes) as ErrorKind[])
      .describe('What can be done about it: decides the exit code of the CLI.'),
    hint: z.string().exactOptional().describe('What to type or change next.'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .exactOptional()
      .describe('The fields of the request that are wrong.'),
    id: z.string().exactOptional().describe('What the log calls an error that nobody expected.'),
  })
  .register(views, { id: 'Problem' })
