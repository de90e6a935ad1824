import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type ErrorKind, hasCode, OperatorError } from '../support/operator-error.ts'
import { type Caller, errorCodes } from './operations.ts'

/** One request to the daemon. */
export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: Readonly<Record<string, unknown>>
  readonly caller?: Caller
  /** How long the daemon may be silent, in milliseconds; 0 for as long as it takes. */
  readonly patience: number
  readonly signal?: AbortSignal
}

/** More than the status of ten thousand materials. */
const longestAnswer = 64 * 1024 * 1024

/**
 * Asks over the daemon's unix socket, on a connection of its own.
 * @returns what the answer's JSON says; undefined for 204
 * @throws the `OperatorError` that the daemon answered with; `locked` when it does not answer
 */
export async function askDaemon(socketPath: string, question: Question): Promise<unknown> {
  const answer = await exchange(socketPath, question)
  if (answer.status === 204) return undefined
  const said = parse(answer.body)
  if (answer.status >= 200 && answer.status < 300 && said !== undefined) return said
  throw errorOf(answer.status, said)
}

/** Whether a daemon answers on the socket. */
export async function reachable(socketPath: string): Promise<boolean> {
  const question = { method: 'GET', path: '/healthz', patience: 3_000 } as const
  return exchange(socketPath, question).then(
    () => true,
    () => false,
  )
}

interface Answer {
  readonly status: number
  readonly body: Buffer
}

function exchange(socketPath: string, question: Question): Promise<Answer> {
  const { method, path, patience, signal } = question
  const body = bodyOf(question)
  return new Promise((resolve, reject) => {
    const headers = {
      ...callerHeader(question),
      ...(body && { 'Content-Type': 'application/json' }),
    }
    const options = { socketPath, method, path, headers, agent: false }
    const asked = request({ ...options, ...(signal && { signal }) })
    asked.setTimeout(patience, () => asked.destroy(silent(patience)))
    asked.once('error', (error) => reject(signal?.aborted ? signal.reason : failure(error)))
    asked.once('response', (response) => collect(asked, response, resolve, reject))
    asked.end(body)
  })
}

function collect(
  asked: ClientRequest,
  response: IncomingMessage,
  resolve: (answer: Answer) => void,
  reject: (error: unknown) => void,
): void {
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    chunks.push(chunk)
    if (size > longestAnswer) asked.destroy(new OperatorError('the daemon answers without end'))
  })
  response.once('error', (error) => reject(failure(error)))
  response.once('end', () =>
    resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
  )
}

function bodyOf({ method, body, caller }: Question): string | undefined {
  if (method === 'GET') return undefined
  return JSON.stringify({ ...body, ...(caller?.why !== undefined && { why: caller.why }) })
}

/** The name of the caller in the characters that the daemon takes. */
function callerHeader({ caller }: Question): Record<string, string> {
  const name = caller?.who.replace(/^cli:/, '').replace(/[^\w.@+-]/g, '_')
  return name ? { 'X-Rekeyd-Caller': name.slice(0, 64) } : {}
}

/** The object that an answer holds; undefined for anything else. */
function parse(body: Buffer): object | undefined {
  try {
    const said: unknown = JSON.parse(body.toString())
    return typeof said === 'object' && said !== null ? said : undefined
  } catch {
    return undefined
  }
}

function errorOf(status: number, said: object = {}): OperatorError {
  const { detail, kind, hint } = said as Readonly<Record<string, unknown>>
  if (typeof detail !== 'string' || !isErrorKind(kind)) {
    return new OperatorError(`the daemon answered ${status}, which nobody understands`, {
      hint: 'the CLI and the daemon may be of different versions',
    })
  }
  return new OperatorError(detail, { kind, ...(typeof hint === 'string' && { hint }) })
}

function isErrorKind(kind: unknown): kind is ErrorKind {
  return typeof kind === 'string' && Object.hasOwn(errorCodes, kind)
}

function failure(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return unreachable('no daemon answers')
  if (hasCode(error, 'EACCES', 'EPERM')) return unreachable('no permission to ask the daemon')
  return unreachable('the daemon went away before it answered')
}

function silent(patience: number): OperatorError {
  return unreachable(`the daemon did not answer within ${patience / 1000} s`)
}

function unreachable(message: string): OperatorError {
  return new OperatorError(message, {
    kind: 'locked',
    hint: 'see whether it runs; `rekeyd history` tells what became of a rotation',
  })
}
