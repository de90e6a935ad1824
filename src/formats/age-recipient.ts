import { bech32 } from '@scure/base'

/** X25519 public keys; those of the post-quantum hybrid are longer. Bytes. */
const x25519Length = 32

/** Whether `text` is the public key of an age key pair (age-encryption.org/v1), by its Bech32 checksum (BIP 173). */
export function isAgeRecipient(text: string): boolean {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(text)
    return (prefix === 'age' && bytes.length === x25519Length) || isHybrid(text)
  } catch {
    return isHybrid(text)
  }
}

/** `age1pq1…`, which is beyond the length that Bech32 was made for. */
function isHybrid(text: string): boolean {
  if (!text.startsWith('age1pq1')) return false
  return bech32.decodeUnsafe(text, false)?.prefix === 'age1pq'
}
