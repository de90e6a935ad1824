import { joinOffHeap } from './off-heap.ts'

/** One element of DER (ITU-T X.690 §8.1), with tags and lengths as X.509 and PKCS #12 use them. */
export interface Element {
  readonly tag: number
  readonly content: Buffer
}

/** Encodes an element in a fresh buffer; its contents stay the caller's. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const length = contents.reduce((sum, content) => sum + content.length, 0)
  return joinOffHeap(Buffer.from([tag, ...lengthOctets(length)]), ...contents)
}

export const sequence = (...contents: readonly Uint8Array[]) => element(0x30, ...contents)
export const set = (...contents: readonly Uint8Array[]) => element(0x31, ...contents)
export const octetString = (content: Uint8Array) => element(0x04, content)
export const nothing = () => element(0x05)
/** `[0] EXPLICIT`. */
export const explicit = (content: Uint8Array) => element(0xa0, content)

/** @param value not negative */
export function integer(value: number): Buffer {
  const octets = baseDigits(value, 256)
  return element(0x02, Buffer.from((octets[0] ?? 0) < 0x80 ? octets : [0, ...octets]))
}

/** @param dotted as in `1.2.840.113549.1.7.1` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = [first * 40 + second, ...rest].map((arc) => baseDigits(arc, 128))
  return element(0x06, Buffer.from(arcs.flatMap(withContinuation)))
}

/**
 * The elements that follow each other in `bytes`.
 * @returns undefined if `bytes` are anything else, such as cut off
 */
export function readElements(bytes: Buffer): Element[] | undefined {
  const elements: Element[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const header = readHeader(bytes, offset)
    if (!header || header.end > bytes.length) return undefined
    elements.push({ tag: header.tag, content: bytes.subarray(header.start, header.end) })
    offset = header.end
  }
  return elements
}

function readHeader(bytes: Buffer, offset: number) {
  const tag = bytes[offset]
  const short = bytes[offset + 1]
  if (tag === undefined || short === undefined) return undefined
  if (short < 0x80) return { tag, start: offset + 2, end: offset + 2 + short }
  const octets = short & 0x7f
  const start = offset + 2 + octets
  if (octets === 0 || octets > 4 || start > bytes.length) return undefined
  return { tag, start, end: start + bytes.readUIntBE(offset + 2, octets) }
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets = baseDigits(length, 256)
  return [0x80 | octets.length, ...octets]
}

/** Most significant first. */
function baseDigits(value: number, base: number): number[] {
  const digits = [value % base]
  for (let rest = Math.floor(value / base); rest > 0; rest = Math.floor(rest / base)) {
    digits.unshift(rest % base)
  }
  return digits
}

function withContinuation(digits: number[]): number[] {
  return digits.map((digit, index) => (index < digits.length - 1 ? digit | 0x80 : digit))
}
