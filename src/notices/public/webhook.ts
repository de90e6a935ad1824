import { z } from 'zod'
import { addressOptions, isPrivate, readAddress } from '../address.ts'
import type { Channel } from '../channel.ts'
import { secretFileSchema } from '../secret-file.ts'
import { postWebhook } from '../webhook/post-webhook.ts'
import type { PublicChange } from './changes.ts'

export const publicWebhookSchema = z
  .strictObject({
    ...addressOptions,
    url: addressOptions.url.describe('Where the application is told.'),
    secret: secretFileSchema.describe(
      'What it is signed with, as Standard Webhooks say: `whsec_` and base64.',
    ),
  })
  .refine(...isPrivate)
  .describe('Tells the application when a public part changes.')

export type PublicWebhookOptions = z.output<typeof publicWebhookSchema>

/** The public parts of a material, and nothing else of it; undefined for what is not public. */
export type ViewOf = (material: string) => Promise<object | undefined>

/**
 * Posts the public view of the material as it is at the time of sending, so that no message, whichever comes
 * last, puts anybody back to an older state; `version` is the one that the message is about.
 */
export function publicWebhook(
  options: PublicWebhookOptions,
  viewOf: ViewOf,
): Channel<PublicChange> {
  return {
    async send({ id, type, at, material, number }, signal) {
      const endpoint = { ...options, url: await readAddress(options) }
      const data = { ...(await viewOf(material)), version: number }
      // Signed with the time of this try: receivers compare it with their clock.
      await postWebhook(endpoint, { id, type, at, data }, Date.now(), signal)
    },
  }
}
