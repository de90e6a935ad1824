import type { Parts } from '../materials/kind.ts'
import { SecretBytes } from '../model/secret-bytes.ts'

/**
 * All parts as one value, in the order of their names: for each the length of its name (1 byte), the
 * name, the length of its bytes (4 bytes, big endian), the bytes. The same parts always give the same value.
 */
export function encodeParts(parts: Parts): SecretBytes {
  const entries = Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const size = entries.reduce((sum, [name, part]) => sum + 5 + nameBytes(name) + part.length, 0)
  const encoded = SecretBytes.copyOf(new Uint8Array(size))
  let at = 0
  for (const [name, part] of entries) {
    at = encoded.bytes.writeUInt8(nameBytes(name), at)
    at += encoded.bytes.write(name, at, 'utf8')
    at = encoded.bytes.writeUInt32BE(part.length, at)
    at += part.bytes.copy(encoded.bytes, at)
  }
  return encoded
}

/** Reverses {@link encodeParts}. Does not wipe `encoded`. */
export function decodeParts(encoded: SecretBytes): Parts {
  const parts: Record<string, SecretBytes> = Object.create(null)
  const { bytes } = encoded
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const end = nameEnd + 4 + bytes.readUInt32BE(nameEnd)
    parts[name] = SecretBytes.copyOf(bytes.subarray(nameEnd + 4, end))
    at = end
  }
  return parts
}

function nameBytes(name: string): number {
  return Buffer.byteLength(name, 'utf8')
}
