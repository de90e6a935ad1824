import { offHeap } from './off-heap.ts'
import { withoutWhitespace } from './whitespace.ts'

const digits = Buffer.from('0123456789abcdef', 'latin1')

/** Lower-case hex as ASCII bytes. Goes through no string: those cannot be wiped. */
export function encodeHex(bytes: Uint8Array): Buffer {
  const text = offHeap(bytes.length * 2)
  for (const [index, byte] of bytes.entries()) {
    text[index * 2] = digits[byte >> 4] ?? 0
    text[index * 2 + 1] = digits[byte & 15] ?? 0
  }
  return text
}

/**
 * Reads hex in either case; whitespace is skipped.
 * @returns undefined if the text is no hex
 */
export function decodeHex(text: Uint8Array): Buffer | undefined {
  const compact = withoutWhitespace(text)
  const bytes = offHeap(compact.length >> 1)
  let valid = compact.length % 2 === 0
  for (const [index, character] of compact.entries()) {
    const nibble = nibbleOf(character)
    if (nibble < 0) valid = false
    else bytes[index >> 1] = ((bytes[index >> 1] ?? 0) << 4) | nibble
  }
  compact.fill(0)
  return valid ? bytes : undefined
}

/** -1 for what is no hex digit. */
function nibbleOf(character: number): number {
  if (character >= 0x30 && character <= 0x39) return character - 0x30
  const letter = character | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
