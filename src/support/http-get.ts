import { z } from 'zod'
import type { HttpAnswer } from './http-exchange.ts'
import { type HttpQuestion, httpRequest } from './http-request.ts'
import { isLoopback } from './loopback.ts'

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
  return !insecure || isLoopback(hostOf(url))
}

/** The host of an address, IPv6 without brackets; empty where there is none. */
export function hostOf(url: string): string {
  return URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''
}

/**
 * Asks by GET, on a connection of its own. Redirects are not followed: the answer is whatever the
 * named host says. At most 1 MiB within ten seconds.
 * @throws OperatorError when there is no complete answer
 */
export async function httpGet(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
  return httpRequest({ ...question, method: 'GET', longestAnswer: 1024 * 1024 }, signal)
}
