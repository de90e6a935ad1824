import { decodeBase64, encodeBase64 } from './base64.ts'
import { decodeHex, encodeHex } from './hex.ts'
import { joinOffHeap } from './off-heap.ts'

/** The encodings that any bytes have, by the names the config uses. */
export const byteEncodings = ['raw', 'hex', 'base64', 'base64url'] as const
export type ByteEncoding = (typeof byteEncodings)[number]

export function isByteEncoding(format: string): format is ByteEncoding {
  return byteEncodings.some((encoding) => encoding === format)
}

/** A fresh buffer; `bytes` stays the caller's. */
export function encodeBytes(bytes: Uint8Array, encoding: ByteEncoding): Buffer {
  if (encoding === 'raw') return joinOffHeap(bytes)
  return encoding === 'hex' ? encodeHex(bytes) : encodeBase64(bytes, encoding)
}

/**
 * The reverse, in a fresh buffer. Text encodings skip whitespace; both base64 names read both alphabets.
 * @returns undefined if `text` is not in this encoding
 */
export function decodeBytes(text: Uint8Array, encoding: ByteEncoding): Buffer | undefined {
  if (encoding === 'raw') return joinOffHeap(text)
  return encoding === 'hex' ? decodeHex(text) : decodeBase64(text)
}
