import type { FastifyError, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { namePattern } from '../model/material.ts'
import type { Caller } from '../operations/operations.ts'
import { OperatorError } from '../support/operator-error.ts'
import { type FieldProblem, type Problem, problem } from './problem.ts'

/** Text that goes into the audit log: one line without control characters. */
export const textSchema = z
  .string()
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,500}$/u, 'must be one line of at most 500 characters')

/** A file or folder of this host. */
export const pathSchema = z
  .string()
  .max(4_095)
  .regex(/^\/[^\0]*$/, 'must be an absolute path')

/** The same for everything that replaces what clients use. */
export const acceptImpact = textSchema
  .exactOptional()
  .describe("The material's name, by whoever accepts that clients break.")

/** The names in the address. */
export const materialParams = z.strictObject({
  name: z.string().regex(namePattern, 'is no name of a material'),
})
export const rotationParams = z.strictObject({
  id: z.string().regex(/^[0-9a-z-]{1,64}$/, 'is no id of a rotation'),
})

/** A body with these fields and `why`; it may be left out where none is required. */
export function bodySchema<T extends z.ZodRawShape>(shape: T) {
  const why = textSchema.describe('Why, for the audit log.').exactOptional()
  return z.preprocess((sent) => sent ?? {}, z.strictObject({ ...shape, why }))
}

/** A whole number in a query, where everything is text. */
export function numberInQuery(least: number, most: number) {
  const problem = `must be a whole number from ${least} to ${most}`
  return z
    .string(problem)
    .regex(/^\d{1,15}$/, problem)
    .transform(Number)
    .refine((number) => number >= least && number <= most, problem)
    .meta({ type: 'integer', minimum: least, maximum: most })
}

const callerPattern = /^[\w.@+-]{1,64}$/

/**
 * Who asks, as the audit log shows it: the token, where there is one. Node cannot ask a unix socket for its
 * peer, so the CLI says whom it runs for: whoever may open the socket may do everything anyway.
 * @throws OperatorError `usage`
 */
export function callerOf(request: FastifyRequest): Caller {
  const { why } = (request.body ?? {}) as { readonly why?: string }
  return { who: nameOf(request), ...(why && { why }) }
}

function nameOf({ apiToken, headers }: FastifyRequest): string {
  const { 'x-rekeyd-caller': name } = headers
  if (apiToken === null) return name === undefined ? 'socket' : `cli:${checked(name)}`
  if (name === undefined) return `api:${apiToken.name}`
  throw new OperatorError('X-Rekeyd-Caller counts on the unix socket only; leave it out', {
    kind: 'usage',
    hint: `the audit log names the token: api:${apiToken.name}`,
  })
}

function checked(name: string | string[]): string {
  if (typeof name === 'string' && callerPattern.test(name)) return name
  throw new OperatorError('X-Rekeyd-Caller is no name: letters, digits and . _ @ + -', {
    kind: 'usage',
  })
}

/** An error of the validator. */
type Invalid = FastifyError & Required<Pick<FastifyError, 'validation'>>

export function isInvalid(error: FastifyError): error is Invalid {
  return error.validation !== undefined
}

/** Names every field that is wrong, and quotes no value. An address that cannot exist is not found. */
export function problemOfInvalid({ validation, validationContext }: Invalid): Problem {
  const errors = validation.flatMap(({ instancePath, keyword, message, params }) => {
    const path = instancePath.split('/').filter((part) => part !== '')
    return keyword === 'unrecognized_keys'
      ? unknownFields(path, params)
      : [{ field: fieldName(path), message: message ?? 'is wrong' }]
  })
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join('; ')
  return validationContext === 'params'
    ? problem(404, detail, { kind: 'not-found', errors })
    : problem(400, detail, { errors })
}

function unknownFields(path: readonly string[], { keys }: Record<string, unknown>): FieldProblem[] {
  const names = Array.isArray(keys) ? keys.map(String) : []
  return names
    .slice(0, 10)
    .map((key) => ({ field: fieldName([...path, key]), message: 'is not known here' }))
}

function fieldName(path: readonly string[]): string {
  const name = path.join('.').replace(/[^\x21-\x7e]/g, '?')
  return name === '' ? 'body' : name.slice(0, 100)
}
