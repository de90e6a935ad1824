import { decodeBase64, encodeBase64 } from './base64.ts'
import { joinOffHeap, offHeap } from './off-heap.ts'

/** One armoured object of a PEM file (RFC 7468). */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, … */
  readonly label: string
  readonly der: Buffer
}

const lineLength = 64
const begin = '-----BEGIN '
const dashes = '-----'
/** Longer than any label in use; what follows a mangled header may be secret. */
const longestLabel = 40

/** Armours `der`, which stays the caller's, with a newline at the end. Goes through no string. */
export function encodePem(label: string, der: Uint8Array): Buffer {
  const text = encodeBase64(der, 'base64')
  const lines = Math.ceil(text.length / lineLength)
  const body = offHeap(text.length + lines)
  for (let line = 0; line < lines; line++) {
    const end = Math.min((line + 1) * lineLength, text.length)
    body.set(text.subarray(line * lineLength, end), line * (lineLength + 1))
    body[end + line] = 0x0a
  }
  const head = Buffer.from(`${begin}${label}${dashes}\n`, 'latin1')
  const foot = Buffer.from(`-----END ${label}${dashes}\n`, 'latin1')
  const pem = joinOffHeap(head, body, foot)
  text.fill(0)
  body.fill(0)
  return pem
}

/**
 * Every object in `text`, in order; explanatory text around them, CRLF and indentation are fine
 * (RFC 7468 §2). The caller wipes what is secret.
 * @returns undefined if an object is cut off, damaged or in the encrypted style of RFC 1421; an empty list if
 *   there is none
 */
export function decodePem(text: Uint8Array): PemBlock[] | undefined {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.length)
  const blocks: PemBlock[] = []
  for (let start = bytes.indexOf(begin); start >= 0; ) {
    const found = blockAt(bytes, start)
    if (!found) {
      for (const block of blocks) block.der.fill(0)
      return undefined
    }
    blocks.push(found.block)
    start = bytes.indexOf(begin, found.end)
  }
  return blocks
}

function blockAt(bytes: Buffer, start: number): { block: PemBlock; end: number } | undefined {
  const labelStart = start + begin.length
  const labelEnd = bytes.indexOf(dashes, labelStart)
  if (labelEnd < 0 || labelEnd > labelStart + longestLabel) return undefined
  const label = bytes.toString('latin1', labelStart, labelEnd)
  const foot = `-----END ${label}${dashes}`
  const bodyEnd = bytes.indexOf(foot, labelEnd, 'latin1')
  if (bodyEnd < 0) return undefined
  const der = decodeBase64(bytes.subarray(labelEnd + dashes.length, bodyEnd))
  return der && { block: { label, der }, end: bodyEnd + foot.length }
}
