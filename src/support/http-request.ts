import { type ClientRequest, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { exchange, type HttpAnswer } from './http-exchange.ts'
import { OperatorError } from './operator-error.ts'
import { reach } from './reach.ts'
import { readSmallFile } from './small-file.ts'

export interface HttpQuestion {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** PEM file of the authority to trust. */
  readonly ca?: string | undefined
  readonly insecure?: boolean | undefined
}

/** A question in full. */
export interface HttpRequest extends HttpQuestion {
  readonly method: 'GET' | 'POST'
  readonly body?: string
  /** Bytes; what answers more is cut off. */
  readonly longestAnswer: number
}

/**
 * One request on a connection of its own, answered within ten seconds. Redirects are not followed.
 * @throws OperatorError when there is no complete answer; it names the host, and neither path nor headers
 */
export async function httpRequest(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const { url, longestAnswer, body } = request
  const ca = request.ca === undefined ? undefined : readAuthority(request.ca)
  const { host } = new URL(url)
  return reach(host, signal, (limit) =>
    exchange(open(request, ca, limit), longestAnswer, () => tooLong(host, longestAnswer), body),
  )
}

function open(
  { url, method, headers, insecure }: HttpRequest,
  ca: Buffer | undefined,
  signal: AbortSignal,
): ClientRequest {
  const request = url.startsWith('https:') ? tlsRequest : plainRequest
  const trust = { rejectUnauthorized: !insecure, ...(ca && { ca }) }
  return request(url, { ...trust, method, headers: { ...headers }, signal, agent: false })
}

function tooLong(host: string, longest: number): OperatorError {
  const most = longest < 1024 * 1024 ? `${longest / 1024} KiB` : `${longest / 1024 / 1024} MiB`
  return new OperatorError(`${host} answers more than ${most}`)
}

/** @throws OperatorError `config` for what cannot be read */
export function readAuthority(path: string): Buffer {
  try {
    return readSmallFile(path)
  } catch {
    throw new OperatorError(`cannot read ${path}`, { kind: 'config', hint: 'check `ca`' })
  }
}
