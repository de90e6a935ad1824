import { createHmac } from 'node:crypto'
import { decodeBase64 } from '../../formats/base64.ts'
import type { SecretBytes } from '../../model/secret-bytes.ts'
import { OperatorError } from '../../support/operator-error.ts'

/** What Standard Webhooks asks for at least. Bytes. */
const shortest = 24

/** What is signed: which message, when it is sent (epoch seconds), and its body. */
export interface Signed {
  readonly id: string
  readonly timestamp: number
  readonly body: string
}

/**
 * The three headers of Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA-256 over `id.timestamp.body`.
 * @param secret `whsec_` and base64, as text
 * @throws OperatorError when it is no such secret
 */
export function signatureHeaders(
  secret: SecretBytes,
  { id, timestamp, body }: Signed,
): Readonly<Record<string, string>> {
  const key = keyOf(secret)
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  key.fill(0)
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
}

function keyOf({ bytes }: SecretBytes): Buffer {
  const prefix = Buffer.from('whsec_')
  const isPrefixed = bytes.subarray(0, prefix.length).equals(prefix)
  const key = decodeBase64(isPrefixed ? bytes.subarray(prefix.length) : bytes)
  if (key && key.length >= shortest) return key
  key?.fill(0)
  throw new OperatorError(`the secret of the webhook is not ${shortest} bytes or more in base64`, {
    hint: 'make one: echo "whsec_$(openssl rand -base64 32)"',
  })
}
