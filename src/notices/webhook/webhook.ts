import { z } from 'zod'
import { addressOptions, isPrivate, readAddress } from '../address.ts'
import type { ChannelType } from '../channel.ts'
import { type Notice, shortened, textOf } from '../notice.ts'
import { secretFileSchema } from '../secret-file.ts'
import { postSigned, postWebhook } from './post-webhook.ts'

const schema = z
  .strictObject({
    ...addressOptions,
    url: addressOptions.url.describe('Where the notice is posted.'),
    secret: secretFileSchema
      .optional()
      .describe('What it is signed with, as Standard Webhooks say: `whsec_` and base64.'),
    format: z
      .enum(['json', 'slack'])
      .default('json')
      .describe('`slack`: as Slack, Mattermost, Rocket.Chat and Discord (`…/slack`) take it.'),
  })
  .refine(...isPrivate)
  .describe('Notices as JSON, signed.')

/** Bytes; Slack cuts messages off there. */
const longestText = 4000
/** Bytes of a line in JSON: leaves room for many below 64 KiB. */
const longestLine = 2000
const mostLines = 20

/** A webhook: signed JSON for programs, or a text for chat. */
export const webhook: ChannelType<z.infer<typeof schema>> = {
  schema,
  create: (options) => ({
    async send(notice, signal) {
      const endpoint = { ...options, url: await readAddress(options) }
      // Signed with the time of this try: receivers compare it with their clock.
      const now = Date.now()
      if (options.format === 'slack') {
        const body = JSON.stringify({ text: slackText(notice) })
        return postSigned(endpoint, { id: notice.id, body }, now, signal)
      }
      const { id, at, kind } = notice
      return postWebhook(
        endpoint,
        { id, at, type: `notice.${kind}`, data: dataOf(notice) },
        now,
        signal,
      )
    },
  }),
}

function dataOf({ host, severity, title, lines, materials, command }: Notice) {
  return {
    host,
    severity,
    title: shortened(title, longestLine),
    lines: lines.slice(0, mostLines).map((line) => shortened(line, longestLine)),
    materials: materials.slice(0, 100),
    ...(command !== undefined && { command }),
  }
}

/** Slack's mrkdwn: three characters have a meaning of their own. */
function slackText(notice: Notice): string {
  const { host, title, lines } = notice
  const text = textOf({ ...notice, title: `*${host}: ${title}*`, lines })
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return shortened(escaped, longestText)
}
