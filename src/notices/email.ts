import { Socket } from 'node:net'
import { z } from 'zod'
import { aborted } from '../support/aborted.ts'
import { trustOptions } from '../support/http-get.ts'
import { readAuthority } from '../support/http-request.ts'
import { isLoopback } from '../support/loopback.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { ChannelType } from './channel.ts'
import { type Notice, shortened, textOf } from './notice.ts'
import { readSecretFile, secretFileSchema } from './secret-file.ts'

const addressSchema = z.string().regex(/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, 'not an e-mail address')

const schema = z
  .strictObject({
    host: z.string().min(1).describe('SMTP server.'),
    port: z.int().min(1).max(65_535).default(587).describe('Its port; 465 is TLS from the start.'),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .optional()
      .describe(
        '`none` only for a server on this host, where it is the default; else by the port.',
      ),
    ca: trustOptions.ca,
    from: addressSchema.describe('Sender.'),
    to: z.array(addressSchema).min(1).max(20).describe('Receivers.'),
    user: z.string().min(1).optional().describe('Who logs in.'),
    password: secretFileSchema.optional().describe('Password of `user`.'),
  })
  .refine(({ host, tls }) => tls !== 'none' || isLoopback(host), {
    path: ['tls'],
    error: 'must be starttls or implicit for another host',
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    error: '`user` and `password` go together',
  })
  .describe('Notices by e-mail.')

type Options = z.infer<typeof schema>

/** Milliseconds without a sign of the server; whoever sends waits no longer anyway. */
const silence = 10_000
/** Bytes. */
const longest = 16 * 1024

/** E-mail by SMTP: encrypted, with a certificate that holds, unless the server is on this host. */
export const email: ChannelType<Options> = {
  schema,
  create: (options) => ({
    async send(notice, signal) {
      const { createTransport } = await import('nodemailer')
      const connection = await connectionOf(options)
      signal.throwIfAborted()
      // A socket of our own is what can be taken away from it.
      const socket = new Socket()
      const sent = createTransport({ ...connection, socket }).sendMail(mailOf(options, notice))
      const refused = sent.then(
        () => undefined,
        (error: unknown) => refusal(options.host, error),
      )
      const error = await Promise.race([refused, aborted(signal)])
      socket.destroy()
      signal.throwIfAborted()
      if (error) throw error
    },
  }),
}

async function connectionOf(options: Options) {
  const { host, port, user, password } = options
  const mode = options.tls ?? (port === 465 ? 'implicit' : isLoopback(host) ? 'none' : 'starttls')
  return {
    host,
    port,
    secure: mode === 'implicit',
    requireTLS: mode === 'starttls',
    ignoreTLS: mode === 'none',
    ...(options.ca !== undefined && { tls: { ca: readAuthority(options.ca) } }),
    ...(user !== undefined && password && { auth: { user, pass: await passwordIn(password) } }),
    connectionTimeout: silence,
    greetingTimeout: silence,
    socketTimeout: silence,
    dnsTimeout: silence,
    maxResponseSize: 64 * 1024,
  }
}

function mailOf({ from, to }: Options, notice: Notice) {
  const { id, at, host, title } = notice
  return {
    from: { name: `rekeyd on ${host}`, address: from },
    to,
    subject: shortened(`[rekeyd ${host}] ${title}`, 200),
    text: shortened(textOf(notice), longest),
    date: new Date(at),
    messageId: `<${id}@${from.split('@').at(-1) ?? host}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
    // Nothing is attached, and nothing that a text names is read.
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

async function passwordIn(file: z.infer<typeof secretFileSchema>): Promise<string> {
  const secret = await readSecretFile(file)
  const text = secret.bytes.toString()
  secret.wipe()
  return text
}

/** Codes only: what a server says may quote what it was told. */
function refusal(host: string, error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  const { code, responseCode } = Object(error) as Readonly<Record<string, unknown>>
  const words = [code, responseCode].filter((word) => word !== undefined).map(String)
  return new OperatorError(
    `${host} did not take the mail (${words.join(' ') || 'no reason given'})`,
  )
}
