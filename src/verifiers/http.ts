import { z } from 'zod'
import type { Edition } from '../model/version.ts'
import { httpGet, isTrustworthy, trustOptions, urlOption } from '../support/http-get.ts'
import { jsonPointerOption, textAt } from '../support/json-pointer.ts'
import { OperatorError } from '../support/operator-error.ts'
import { isUp, no, yes } from './verdict.ts'
import type { Verdict, Verifier, VerifierType } from './verifier.ts'

/** Letters that a header value may have (RFC 9110 §5.5), without spaces. */
const headerText = /^[\x21-\x7e]+$/

const httpOptions = z
  .strictObject({
    url: urlOption.describe('What to ask, by GET.'),
    status: z
      .int()
      .min(100)
      .max(599)
      .optional()
      .describe('Status of the answer that means yes; any from 200 to 299 by default.'),
    bearer: z
      .boolean()
      .optional()
      .describe('Send the value as a bearer token: the new one must work, the old one must not.'),
    fingerprint: jsonPointerOption
      .optional()
      .describe('Where in the JSON answer the fingerprint of the version in use stands.'),
    contains: z.string().min(1).optional().describe('Text that the answer must contain.'),
    ...trustOptions,
  })
  .refine(isTrustworthy, 'only an address of this host may be asked insecurely')
type HttpOptions = z.infer<typeof httpOptions>

/** Asks a URL: with the value as a bearer token, or for the fingerprint, it proves the version; else it shows life. */
export const http: VerifierType<HttpOptions> = {
  schema: httpOptions,
  create: (options): Verifier => ({
    type: 'http',
    subject: options.url,
    proves: options.bearer === true || options.fingerprint !== undefined,
    accepts: (edition, signal) => accepts(options, edition, signal),
    ...(options.bearer && {
      refuses: (previous: Edition, signal: AbortSignal) => refuses(options, previous, signal),
    }),
    ready: (signal) => isUp(() => isAlive(options, signal), signal),
  }),
}

async function accepts(
  options: HttpOptions,
  edition: Edition,
  signal: AbortSignal,
): Promise<Verdict> {
  const { status, body } = await ask(options, edition, signal)
  if (options.bearer && isDenial(status)) return no(`does not take it (status ${status})`)
  if (!isExpected(options, status)) throw unexpected(options, status)
  if (options.contains !== undefined && !body.includes(options.contains)) {
    return no('the answer lacks the expected text')
  }
  if (options.fingerprint === undefined) return yes
  const shown = textAt(body, options.fingerprint, options.url)
  const wanted = edition.version.fingerprint
  return normal(shown) === normal(wanted) ? yes : no(`shows another fingerprint than ${wanted}`)
}

async function refuses(
  options: HttpOptions,
  previous: Edition,
  signal: AbortSignal,
): Promise<Verdict> {
  const { status } = await ask(options, previous, signal)
  if (isDenial(status)) return yes
  if (isExpected(options, status)) return no(`still takes it (status ${status})`)
  throw unexpected(options, status)
}

/** Any answer shows life, unless it says that it cannot serve. */
async function isAlive(options: HttpOptions, signal: AbortSignal): Promise<void> {
  const { status } = await httpGet(options, signal)
  if (options.bearer ? status >= 500 : !isExpected(options, status)) {
    throw unexpected(options, status)
  }
}

async function ask(options: HttpOptions, edition: Edition, signal: AbortSignal) {
  if (!options.bearer) return httpGet(options, signal)
  const token = (await edition.bytes()).bytes.toString('latin1')
  if (!headerText.test(token)) {
    throw new OperatorError(`${edition.version.material} cannot be sent as a bearer token`, {
      kind: 'config',
      hint: 'use an alphabet without spaces and control characters, such as base64url',
    })
  }
  return httpGet({ ...options, headers: { authorization: `Bearer ${token}` } }, signal)
}

function isDenial(status: number): boolean {
  return status === 401 || status === 403
}

function isExpected({ status: wanted }: HttpOptions, status: number): boolean {
  return wanted === undefined ? status >= 200 && status <= 299 : status === wanted
}

function unexpected({ url }: HttpOptions, status: number): OperatorError {
  return new OperatorError(`${url} answers ${status}`, { hint: 'check `url` and `status`' })
}

/** `SHA256:AB:CD…`, `sha256:abcd…` and `abcd…` are the same fingerprint. */
function normal(fingerprint: string): string {
  const bare = fingerprint.replace(/^sha-?256[:=]/i, '')
  return /^[0-9A-F:]+$/i.test(bare) ? bare.replaceAll(':', '').toLowerCase() : bare
}
