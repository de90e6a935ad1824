import { isUtf8 } from 'node:buffer'
import { decodeBytes, isByteEncoding } from '../formats/byte-encoding.ts'
import { encodeAs, type PartCodec } from './part-codec.ts'

/**
 * A secret that is a line of text, such as a token or passphrase: canonical is the text in UTF-8, whatever it
 * encodes. Where it is found with one line end after it, that is the file's and not the secret's.
 */
export function textCodec(formats: PartCodec['formats']): PartCodec {
  return {
    formats,
    encode: encodeAs,
    decode(bytes, format) {
      const text = isByteEncoding(format) ? decodeBytes(bytes, format) : undefined
      return text && oneLine(text)
    },
  }
}

/** Wipes `text` if it is empty, has several lines or is no text. */
function oneLine(text: Buffer): Buffer | undefined {
  const line = withoutLineEnd(text)
  const sound = line.length > 0 && isUtf8(line) && !line.some((byte) => breaksLine(byte))
  if (sound) return line
  text.fill(0)
  return undefined
}

function withoutLineEnd(text: Buffer): Buffer {
  if (text.at(-1) !== 0x0a) return text
  return text.subarray(0, text.at(-2) === 0x0d ? -2 : -1)
}

/** No env file, TOML line or program argument could hold these. */
function breaksLine(byte: number): boolean {
  return byte === 0x00 || byte === 0x0a || byte === 0x0d
}
