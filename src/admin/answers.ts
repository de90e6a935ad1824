import { z } from 'zod'
import { views } from '../operations/views/registry.ts'

/** What comes back: JSON of this named schema, text of this media type, or no body at all. */
export type Answer = z.ZodType | `${string}/${string}` | null

/** What a route answers when all is well, by status. */
export type Answers = Readonly<Record<number, Answer>>

/** What a route may refuse beside what its request alone shows. */
export type Failure = 401 | 409 | 422 | 429 | 503

/** Of what changes what is in use: a rotation is under way or needs a person, or policy is against it. */
export const changing: readonly Failure[] = [409, 422]

export const healthView = z
  .object({ status: z.enum(['starting', 'ticking', 'ready']) })
  .register(views, { id: 'Health' })
