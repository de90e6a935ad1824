import { offHeap } from './off-heap.ts'
import { withoutWhitespace } from './whitespace.ts'

const common = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const alphabets = {
  base64: Buffer.from(`${common}+/`, 'latin1'),
  base64url: Buffer.from(`${common}-_`, 'latin1'),
} as const
const padding = 0x3d

/** The value of each character of both alphabets, 255 for all others. */
const sextets = Buffer.alloc(256, 255)
for (const alphabet of Object.values(alphabets)) {
  for (const [value, character] of alphabet.entries()) sextets[character] = value
}

/**
 * Base64 as ASCII bytes in one line (RFC 4648 §4, §5); `base64url` without padding. Goes through no
 * string: those cannot be wiped.
 */
export function encodeBase64(bytes: Uint8Array, alphabet: keyof typeof alphabets): Buffer {
  const characters = alphabets[alphabet]
  const length = Math.ceil((bytes.length * 4) / 3)
  const text = offHeap(alphabet === 'base64' ? Math.ceil(length / 4) * 4 : length).fill(padding)
  for (let index = 0; index < length; index++) {
    const bit = index * 6
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0)
    text[index] = characters[(pair >> (10 - (bit & 7))) & 63] ?? 0
  }
  return text
}

/**
 * Reads both alphabets, with or without padding; whitespace is skipped. Strict about the rest
 * (RFC 4648 §3.5), so that one value has one text.
 * @returns undefined if the text is no base64
 */
export function decodeBase64(text: Uint8Array): Buffer | undefined {
  const compact = withoutWhitespace(text)
  const unpadded = withoutPadding(compact)
  const bytes = unpadded && decodeUnpadded(unpadded)
  compact.fill(0)
  return bytes
}

function withoutPadding(text: Buffer): Buffer | undefined {
  const end = text.indexOf(padding)
  if (end < 0) return text
  const pads = text.length - end
  const sound = text.length % 4 === 0 && pads <= 2 && text.at(-1) === padding
  return sound ? text.subarray(0, end) : undefined
}

function decodeUnpadded(text: Buffer): Buffer | undefined {
  const bytes = offHeap((text.length * 6) >> 3)
  let valid = text.length % 4 !== 1
  let bits = 0
  let pending = 0
  let offset = 0
  for (const character of text) {
    const sextet = sextets[character] ?? 255
    if (sextet > 63) valid = false
    pending = ((pending << 6) | sextet) & 0xfff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[offset++] = pending >> bits
      pending &= (1 << bits) - 1
    }
  }
  if (valid && pending === 0) return bytes
  bytes.fill(0)
  return undefined
}
