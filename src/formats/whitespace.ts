import { offHeap } from './off-heap.ts'

const isWhitespace = (byte: number) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** Copies `text` without its ASCII whitespace: line breaks of PEM bodies, the newline at a file's end. */
export function withoutWhitespace(text: Uint8Array): Buffer {
  const compact = offHeap(text.length)
  let length = 0
  for (const byte of text) {
    if (!isWhitespace(byte)) compact[length++] = byte
  }
  return compact.subarray(0, length)
}
