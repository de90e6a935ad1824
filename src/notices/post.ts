import { httpRequest } from '../support/http-request.ts'
import { OperatorError } from '../support/operator-error.ts'

/** Bytes of a body; no receiver has to take more. */
const largest = 64 * 1024
/** Nothing in an answer is of interest but its status. */
const longestAnswer = 64 * 1024

export interface Post {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
  readonly ca?: string | undefined
}

/**
 * Posts JSON and wants a 2xx.
 * @throws OperatorError for any other answer, a redirect included, and for none
 */
export async function postJson({ url, headers, body, ca }: Post, signal: AbortSignal) {
  if (Buffer.byteLength(body) > largest) throw new RangeError('the body is larger than 64 KiB')
  const content = { 'Content-Type': 'application/json', 'User-Agent': 'rekeyd', ...headers }
  const request = { method: 'POST', url, headers: content, body, ca, longestAnswer } as const
  refuseStatus((await httpRequest(request, signal)).status, url)
}

/** Asks by GET and wants a 2xx. @throws OperatorError as {@link postJson} does */
export async function askFor(url: string, ca: string | undefined, signal: AbortSignal) {
  const headers = { 'User-Agent': 'rekeyd' }
  const { status } = await httpRequest({ method: 'GET', url, headers, ca, longestAnswer }, signal)
  refuseStatus(status, url)
}

function refuseStatus(status: number, url: string): void {
  if (status >= 200 && status < 300) return
  const { host } = new URL(url)
  throw new OperatorError(`${host} answers ${status}`, {
    ...(status >= 300 &&
      status < 400 && { hint: 'redirects are not followed: name where it leads' }),
  })
}
