import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'

/** A version that holds `value`, or by part what `value` says; formats are ignored. */
export function testEdition(
  number: number,
  value: string | Uint8Array | Readonly<Record<string, string>>,
): Edition {
  return {
    version: {
      material: 'it',
      number,
      state: 'prepared',
      compromised: false,
      origin: 'generated',
      fingerprint: `hmac:${number}`,
      attributes: {},
      createdAt: 0,
    },
    async bytes(part) {
      if (typeof value === 'string') return SecretBytes.fromText(value)
      if (value instanceof Uint8Array) return SecretBytes.copyOf(value)
      return SecretBytes.fromText(value[part ?? ''] ?? '')
    },
  }
}
