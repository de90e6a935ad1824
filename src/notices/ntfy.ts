import { z } from 'zod'
import { OperatorError } from '../support/operator-error.ts'
import { addressOptions, isPrivate, readAddress } from './address.ts'
import type { ChannelType } from './channel.ts'
import { type Notice, type Severity, shortened } from './notice.ts'
import { postJson } from './post.ts'
import { readSecretFile, secretFileSchema } from './secret-file.ts'

const schema = z
  .strictObject({
    ...addressOptions,
    url: addressOptions.url.describe('Topic, such as https://ntfy.example.com/rekeyd.'),
    token: secretFileSchema.optional().describe('Access token.'),
  })
  .refine(...isPrivate)
  .describe('Notices to an ntfy topic.')

/** Longer messages become attachments (ntfy's `message-size-limit`). Bytes. */
const longest = 4000
/** From 1 to 5. */
const priorities: Readonly<Record<Severity, number>> = { info: 3, warning: 4, critical: 5 }
/** Names of emoji, as ntfy shows them. */
const tags: Readonly<Record<Severity, string>> = {
  info: 'key',
  warning: 'warning',
  critical: 'rotating_light',
}

/** An ntfy topic, by its JSON interface (ntfy.sh, "Publish as JSON"). */
export const ntfy: ChannelType<z.infer<typeof schema>> = {
  schema,
  create: (options) => ({
    async send(notice, signal) {
      const { server, topic } = split(await readAddress(options))
      const headers = options.token && (await authorization(options.token))
      const body = JSON.stringify({ topic, ...messageOf(notice) })
      await postJson({ url: server, body, ca: options.ca, ...(headers && { headers }) }, signal)
    },
  }),
}

function messageOf({ title, lines, severity, host, kind }: Notice) {
  return {
    title: shortened(`${host}: ${title}`, 250),
    message: shortened(lines.join('\n') || title, longest),
    priority: priorities[severity],
    tags: [tags[severity], kind],
  }
}

/** JSON is posted to the server, and names the topic. */
function split(address: string): { readonly server: string; readonly topic: string } {
  const url = new URL(address)
  const [, above = '', topic] = /^(.*)\/([\w-]{1,64})$/.exec(url.pathname) ?? []
  if (topic !== undefined) return { server: `${url.origin}${above}/`, topic }
  throw new OperatorError(`the address of ${url.host} names no ntfy topic`, {
    hint: 'write it as https://ntfy.example.com/TOPIC',
  })
}

async function authorization(token: z.infer<typeof secretFileSchema>) {
  const secret = await readSecretFile(token)
  const headers = { Authorization: `Bearer ${secret.bytes.toString()}` }
  secret.wipe()
  return headers
}
