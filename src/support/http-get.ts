import { type ClientRequest, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { z } from 'zod'
import { exchange, type HttpAnswer } from './http-exchange.ts'
import { isLoopback } from './loopback.ts'
import { OperatorError } from './operator-error.ts'
import { reach } from './reach.ts'
import { readSmallFile } from './small-file.ts'

const longestBody = 1024 * 1024

/** The option of an address to ask. Without user and password: those would be seen in `status`. */
export const urlOption = z.string().refine((text) => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.password
}, 'must be an http or https address without user and password')

/** The options of a connection that may be TLS. */
export const trustOptions = {
  ca: z.string().startsWith('/').optional().describe('PEM file of the authority to trust.'),
  insecure: z
    .boolean()
    .optional()
    .describe('Accept any certificate; only for an address of this host.'),
}

/** Refines options that have `url` and {@link trustOptions}. */
export function isTrustworthy({ url, insecure }: { url: string; insecure?: boolean | undefined }) {
  const { hostname = '' } = URL.parse(url) ?? {}
  return !insecure || isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

export interface HttpQuestion {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly ca?: string | undefined
  readonly insecure?: boolean | undefined
}

/**
 * Asks by GET, on a connection of its own. Redirects are not followed: the answer is whatever the
 * named host says. At most 1 MiB within ten seconds.
 * @throws OperatorError when there is no complete answer
 */
export async function httpGet(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
  const ca = question.ca === undefined ? undefined : readAuthority(question.ca)
  const { host } = new URL(question.url)
  return reach(host, signal, (limit) =>
    exchange(send(question, ca, limit), longestBody, () => tooLong(question.url)),
  )
}

function send(
  { url, headers, insecure }: HttpQuestion,
  ca: Buffer | undefined,
  signal: AbortSignal,
): ClientRequest {
  const request = url.startsWith('https:') ? tlsRequest : plainRequest
  const trust = { rejectUnauthorized: !insecure, ...(ca && { ca }) }
  return request(url, { ...trust, headers: { ...headers }, signal, agent: false })
}

function tooLong(url: string): OperatorError {
  return new OperatorError(`${new URL(url).host} answers more than 1 MiB`)
}

function readAuthority(path: string): Buffer {
  try {
    return readSmallFile(path)
  } catch {
    throw new OperatorError(`cannot read ${path}`, { kind: 'config', hint: 'check `ca`' })
  }
}
