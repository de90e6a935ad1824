import { randomFillSync } from 'node:crypto'
import { encodeBytes } from '../formats/byte-encoding.ts'
import { offHeap } from '../formats/off-heap.ts'
import { SecretBytes } from '../model/secret-bytes.ts'

/** What random text can be made of, by the names the config uses. */
export const textAlphabets = ['base64url', 'base64', 'hex', 'alphanumeric'] as const
type TextAlphabet = (typeof textAlphabets)[number]

const alphanumeric = Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  'latin1',
)

/** `length` random bytes. `randomBytes` would put short ones onto V8's heap. */
export function randomSecret(length: number): SecretBytes {
  return SecretBytes.take(randomFillSync(offHeap(length)))
}

/** Text that is at least as hard to guess as `bytes` random bytes. */
export function randomText(bytes: number, alphabet: TextAlphabet): SecretBytes {
  if (alphabet === 'alphanumeric') {
    const length = Math.ceil((bytes * 8) / Math.log2(alphanumeric.length))
    return SecretBytes.take(sampleText(alphanumeric, length))
  }
  const random = randomSecret(bytes)
  const text = encodeBytes(random.bytes, alphabet)
  random.wipe()
  return SecretBytes.take(text)
}

/**
 * `length` characters, each as likely as any other: random bytes beyond the largest multiple of the
 * alphabet's size are thrown away, since `byte % size` alone would favour the first characters.
 */
export function sampleText(
  alphabet: Buffer,
  length: number,
  fill: (buffer: Buffer) => Buffer = randomFillSync,
): Buffer {
  const limit = 256 - (256 % alphabet.length)
  const text = offHeap(length)
  const random = offHeap(length)
  for (let done = 0; done < length; ) {
    for (const byte of fill(random)) {
      if (byte < limit && done < length) text[done++] = alphabet[byte % alphabet.length] ?? 0
    }
  }
  random.fill(0)
  return text
}
