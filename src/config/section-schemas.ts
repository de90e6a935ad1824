import { z } from 'zod'
import { isAgeRecipient } from '../formats/age-recipient.ts'
import { publicWebhookSchema } from '../notices/public/webhook.ts'
import { pathProblem } from '../support/safe-path.ts'

/** An absolute path, written plainly. */
export const pathSchema = z.string().superRefine((path, context) => {
  const problem = pathProblem(path)
  if (problem !== undefined) context.addIssue(problem)
})

const listenPattern = /^(?:\[([0-9a-f:.]+)\]|([0-9A-Za-z.-]+)):(\d{1,5})$/

const noAddress = 'not an address: use 127.0.0.1:9470 or "[::1]:9470"'

/** `host:port` or `[ipv6]:port`; port 0 lets the system choose. */
const listenSchema = z
  .string(noAddress)
  .regex(listenPattern, noAddress)
  .transform((text, context) => {
    const [, ipv6, host, port] = listenPattern.exec(text) ?? []
    if (Number(port) <= 65_535) return { host: ipv6 ?? host ?? '', port: Number(port) }
    context.addIssue('not a port: at most 65535')
    return z.NEVER
  })

/** As it stands in a `Host` header. */
const hostSchema = z
  .string()
  .regex(
    /^(?:\[[0-9a-f:.]+\]|[0-9a-z](?:[0-9a-z.-]*[0-9a-z])?)(?::\d{1,5})?$/,
    'not a host: use a lower-case name or an address, with or without `:port`',
  )

const modeSchema = z
  .string()
  .regex(/^0?[0-7]{3}$/, 'not a mode: use a quoted octal number such as "0600"')
  .transform((octal) => Number.parseInt(octal, 8))

export const adminSchema = z
  .strictObject({
    socket: z
      .strictObject({
        path: pathSchema
          .default('/run/rekeyd/admin.sock')
          .describe('Unix socket of the admin API: whoever may open it may do everything.'),
        mode: modeSchema.prefault('0600').describe('Mode of the socket, a quoted octal number.'),
      })
      .prefault({})
      .describe('Admin API on a unix socket.'),
    http: z
      .strictObject({
        listen: listenSchema.describe('Address and port.'),
        tokens: pathSchema.describe('File with the hashed API tokens (`rekeyd api-token add`).'),
        hosts: z
          .array(hostSchema)
          .default([])
          .describe(
            'Names that clients may ask for beside the address listened on; others get 421.',
          ),
        tls: z
          .strictObject({
            certificate: pathSchema.describe('PEM file: the certificate, and those above it.'),
            key: pathSchema.describe('PEM file: its private key.'),
          })
          .optional()
          .describe('TLS, which any address but loopback needs. Read again when the files change.'),
      })
      .optional()
      .describe('Admin API and status page over TCP.'),
  })
  .prefault({})
  .describe('How operators and programs reach the daemon.')

export const metricsSchema = z
  .strictObject({
    listen: listenSchema
      .prefault('127.0.0.1:9470')
      .describe('Address and port for Prometheus; nothing else is served there.'),
  })
  .prefault({})
  .describe('Metrics for Prometheus.')

export const publicSchema = z
  .strictObject({
    listen: listenSchema.describe('Address and port.'),
    webhook: publicWebhookSchema.optional(),
  })
  .describe('Public parts for clients, nothing else.')

export const recoverySchema = z
  .strictObject({
    recipients: z
      .array(
        z
          .string()
          .refine(isAgeRecipient, 'not the public key of an age key pair, which starts with age1'),
      )
      .min(1)
      .describe('age recipients that can open the backups.'),
  })
  .describe('Who can open the backups.')

export const backupSchema = z
  .strictObject({
    to: pathSchema.describe('Folder for the encrypted backups.'),
    after: z.enum(['rotation']).default('rotation').describe('When a backup is made.'),
    keep: z.int().min(1).default(30).describe('How many backups are kept.'),
  })
  .describe('Encrypted backups of store, config and public archive.')
