import {
  type ByteEncoding,
  decodeBytes,
  encodeBytes,
  isByteEncoding,
} from '../formats/byte-encoding.ts'
import type { Format } from '../model/material.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Found, Part, Parts } from './kind.ts'

/** How one part goes from its canonical encoding, as the store has it, to what targets hold, and back. */
export interface PartCodec extends Part {
  /** A fresh buffer, in one of the part's formats. */
  encode(canonical: Buffer, format: Format): Buffer
  /** A fresh buffer; undefined if `bytes` are no such part in this format. */
  decode(bytes: Buffer, format: Format): Buffer | undefined
}

export type PartCodecs = Readonly<Record<string, PartCodec>>

/** A part whose canonical encoding is the bytes themselves. */
export function bytesCodec(
  formats: readonly [ByteEncoding, ...ByteEncoding[]],
  isSound: (bytes: Buffer) => boolean,
): PartCodec {
  return {
    formats,
    encode: encodeAs,
    decode: (bytes, format) => soundBytes(bytes, format, isSound),
  }
}

/** One of the byte encodings; a codec with other formats handles those before. */
export function encodeAs(canonical: Buffer, format: Format): Buffer {
  if (!isByteEncoding(format)) throw new RangeError(`${format} is no encoding of plain bytes`)
  return encodeBytes(canonical, format)
}

/** The reverse, if what comes out is sound; else it is wiped. */
export function soundBytes(
  bytes: Buffer,
  format: Format,
  isSound: (decoded: Buffer) => boolean,
): Buffer | undefined {
  const decoded = isByteEncoding(format) ? decodeBytes(bytes, format) : undefined
  if (!decoded || isSound(decoded)) return decoded
  decoded.fill(0)
  return undefined
}

/**
 * `render` for parts that are stored as they are.
 * @throws RangeError when the kind does not declare the part or format: a defect in the caller
 */
export function renderPart(
  codecs: PartCodecs,
  parts: Parts,
  part: string,
  format: Format,
): SecretBytes {
  const codec = Object.hasOwn(codecs, part) ? codecs[part] : undefined
  const canonical = parts[part]
  if (!codec?.formats.includes(format) || !canonical) {
    throw new RangeError(`there is no part ${part} in the format ${format}`)
  }
  return SecretBytes.take(codec.encode(canonical.bytes, format))
}

/** A part that was read, and where. */
export interface ReadPart {
  readonly secret: SecretBytes
  readonly found: Found
}

/**
 * Reads everything found; a part may be found at several places.
 * @throws OperatorError naming the place of what does not parse, or the two that differ
 */
export function readParts(codecs: PartCodecs, found: readonly Found[]): Map<string, ReadPart> {
  const parts = new Map<string, ReadPart>()
  for (const finding of found) {
    const secret = readPart(codecs, finding)
    const earlier = parts.get(finding.part)
    if (!earlier) {
      parts.set(finding.part, { secret, found: finding })
      continue
    }
    const same = earlier.secret.equals(secret)
    secret.wipe()
    if (!same) {
      throw cannotAdopt(finding, `is not the ${finding.part} that ${earlier.found.place} holds`)
    }
  }
  return parts
}

/** What is wrong with something found, without quoting it. */
export function cannotAdopt(found: Found, problem: string, hint?: string): OperatorError {
  return new OperatorError(`${found.place}: what is there ${problem}`, {
    kind: 'refused',
    hint: hint ?? "check the target's path, part and format; rekeyd has changed nothing",
  })
}

/** Where something was found, but not the part that a version cannot do without. */
export function missingPart(found: readonly Found[], part: string): OperatorError {
  const places = found.map(({ place }) => place).join(', ')
  return new OperatorError(`no ${part} was found, only ${places || 'nothing'}`, {
    kind: 'refused',
    hint: `name a target that holds the ${part}, or hand it over with \`rekeyd import\``,
  })
}

function readPart(codecs: PartCodecs, found: Found): SecretBytes {
  const codec = Object.hasOwn(codecs, found.part) ? codecs[found.part] : undefined
  const decoded = codec?.decode(found.bytes.bytes, found.format)
  if (!decoded) throw cannotAdopt(found, `is no ${found.part} in the format ${found.format}`)
  return SecretBytes.take(decoded)
}
