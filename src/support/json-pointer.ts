import { z } from 'zod'
import { OperatorError } from './operator-error.ts'

/** The option of a JSON pointer (RFC 6901), not the empty one. */
export const jsonPointerOption = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)+$/, 'must be a JSON pointer such as /vapid/key')

/**
 * The number that a JSON pointer names in a document: whole, and not below zero.
 * @param place where the document is from, for errors
 * @throws OperatorError when the document does not parse or has no such number there; nothing of it is quoted
 */
export function countAt(document: Buffer, pointer: string, place: string): number {
  const value = valueAt(document, pointer, place)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new OperatorError(`${place} has no number at ${pointer}`, { hint: 'check `pointer`' })
}

/**
 * The text that a JSON pointer names in a document.
 * @param place where the document is from, for errors
 * @throws OperatorError when the document does not parse or has no text there; nothing of it is quoted
 */
export function textAt(document: Buffer, pointer: string, place: string): string {
  const value = valueAt(document, pointer, place)
  if (typeof value === 'string') return value
  throw new OperatorError(`${place} has no text at ${pointer}`, { hint: 'check `pointer`' })
}

/** Undefined where there is nothing at the pointer. */
function valueAt(document: Buffer, pointer: string, place: string): unknown {
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
  return value
}
