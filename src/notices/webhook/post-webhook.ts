import { postJson } from '../post.ts'
import { readSecretFile } from '../secret-file.ts'
import { signatureHeaders } from './signature.ts'

/** Where a webhook goes. */
export interface WebhookEndpoint {
  readonly url: string
  /** File with the secret that it is signed with; absent: unsigned. */
  readonly secret?: { readonly file: string } | undefined
  readonly ca?: string | undefined
}

/** What a webhook says, in the form of Standard Webhooks. */
export interface WebhookMessage {
  /** The same for every try: the receiver knows by it what it has had. */
  readonly id: string
  /** Words joined by dots, such as `notice.restart`. */
  readonly type: string
  /** When it happened. Epoch milliseconds. */
  readonly at: number
  readonly data: object
}

/**
 * Posts a message, signed where there is a secret.
 * @param now epoch milliseconds; receivers refuse what was signed long ago
 * @throws OperatorError when it was not taken
 */
export async function postWebhook(
  endpoint: WebhookEndpoint,
  { id, type, at, data }: WebhookMessage,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data })
  await postSigned(endpoint, { id, body }, now, signal)
}

/** The same for a body of another form. */
export async function postSigned(
  { url, secret, ca }: WebhookEndpoint,
  { id, body }: { readonly id: string; readonly body: string },
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const timestamp = Math.trunc(now / 1000)
  const headers = secret && (await sign(secret, { id, timestamp, body }))
  await postJson({ url, body, ca, ...(headers && { headers }) }, signal)
}

async function sign(
  file: NonNullable<WebhookEndpoint['secret']>,
  signed: Parameters<typeof signatureHeaders>[1],
) {
  const secret = await readSecretFile(file)
  try {
    return signatureHeaders(secret, signed)
  } finally {
    secret.wipe()
  }
}
