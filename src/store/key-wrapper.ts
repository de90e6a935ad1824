import type { SecretBytes } from '../model/secret-bytes.ts'

/** Something that can wrap the store's own keys: a key in a file, a systemd credential, one day a TPM. */
export interface KeyWrapper {
  /** 16 hex digits that name the wrapping key without telling anything about it. */
  readonly keyId: string
  /** @param context bound to the wrap: the same must be given to unwrap */
  wrap(plain: SecretBytes, context: string): Promise<Buffer>
  /** Undefined when it was not wrapped by this key with this context. */
  unwrap(wrapped: Uint8Array, context: string): Promise<SecretBytes | undefined>
}
