// Checks a webhook of rekeyd, as Standard Webhooks (standardwebhooks.com) say. Copy `verify`; the libraries listed
// there do the same. On its own: reads { secret, headers, body } as JSON from stdin, exit code 1 if it is not genuine.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { json } from 'node:stream/consumers'

/**
 * @param secret what is in the file that `notices.webhook.secret` names
 * @param headers with lower-case names
 * @param body exactly as it arrived, not parsed and written again
 * @throws when it is not from rekeyd, or older than five minutes
 */
export function verify(secret, headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp } = headers
  const age = Math.abs(Date.now() / 1000 - Number(timestamp))
  if (!(age < 300)) throw new Error('too old, or from the future')
  const key = Buffer.from(secret.trim().replace(/^whsec_/, ''), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  const genuine = (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64')
    return given.length === mac.length && timingSafeEqual(given, mac)
  })
  if (!genuine) throw new Error('the signature is not that of the secret')
  // The id is the same for every try: remember it for a while, and leave out what you have had.
  return JSON.parse(body)
}

if (import.meta.main) {
  const { secret, headers, body } = await json(process.stdin)
  try {
    console.log(verify(secret, headers, body).type)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
