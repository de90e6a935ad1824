import { z } from 'zod'
import { OperatorError } from './operator-error.ts'

/** The option of a JSON pointer (RFC 6901), not the empty one. */
export const jsonPointerOption = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer such as /vapid/key')

/**
 * The text that a JSON pointer names in a document.
 * @param place where the document is from, for errors
 * @throws OperatorError when the document does not parse or has no text there; nothing of it is quoted
 */
export function textAt(document: Buffer, pointer: string, place: string): string {
  let value: unknown
  try {
    value = JSON.parse(document.toString('utf8'))
  } catch {
    throw new OperatorError(`${place} is not JSON`)
  }
  for (const name of pointer.split('/').slice(1)) {
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    value = inside ? (value as Record<string, unknown>)[key] : undefined
  }
  if (typeof value === 'string') return value
  throw new OperatorError(`${place} has no text at ${pointer}`, { hint: 'check `pointer`' })
}
