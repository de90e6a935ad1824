import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import { errorCodes } from '../operations/operations.ts'
import type { View } from '../operations/views.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { problemView } from './problem-view.ts'

/** What went wrong, as RFC 9457 has it. `kind` and `hint` make an `OperatorError` of it again. */
export type Problem = View<typeof problemView>
export type FieldProblem = NonNullable<Problem['errors']>[number]

/** Writes one line to the log. Fields hold nothing that a message or a request may quote. */
export type Log = Readonly<
  Record<'warn' | 'error', (message: string, fields: Readonly<Record<string, string>>) => void>
>

const problemType = 'application/problem+json'

/** @param kind decides the exit code of the CLI, where it is not the status that does */
export function problem(
  status: number,
  detail: string,
  more: Partial<Pick<Problem, 'kind' | 'hint' | 'errors' | 'id'>> = {},
): Problem {
  const title = STATUS_CODES[status] ?? 'Error'
  return { type: 'about:blank', title, status, detail, kind: 'usage', ...more }
}

/** An `OperatorError` speaks for itself; of any other error only an id leaves the process. */
export function problemOf(error: unknown, log: Log): Problem {
  if (error instanceof OperatorError) {
    const { kind, hint, message } = error
    return problem(errorCodes[kind].http, message, { kind, ...(hint !== undefined && { hint }) })
  }
  const id = randomUUID()
  log.error('a request failed unexpectedly', { id, ...tracesOf(error) })
  return problem(500, 'an unexpected error', {
    kind: 'failed',
    hint: `the log has more under the id ${id}`,
    id,
  })
}

export function sendReply(reply: FastifyReply, sent: Problem): FastifyReply {
  return reply.code(sent.status).type(problemType).send(JSON.stringify(sent))
}

/** Sends a problem without fastify. */
export function sendProblem(response: ServerResponse, sent: Problem): void {
  const body = JSON.stringify(sent)
  response.writeHead(sent.status, {
    'Content-Type': problemType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(body)
}

const clientErrors: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
}

/** How long a client that was refused may take to read why, and to close. Milliseconds. */
const linger = 1_000

/** Answers what is not HTTP, or too slow or too large for it, and ends the connection. */
export function refuseClient(
  error: Error & { readonly code?: string },
  socket: Socket,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { code = '' } = error
  // Before a handshake has ended nothing can be said in a way that the client would understand.
  const isUnsaid = code === 'ECONNRESET' || /^ERR_(?:TLS|SSL)_/.test(code)
  if (!socket.writable || isUnsaid) return void socket.destroy()
  const status = clientErrors[code] ?? 400
  const body = JSON.stringify(problem(status, 'the request cannot be read'))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.setTimeout(linger, () => socket.destroy())
}

/** Name, code and stack of an error; its message may quote a secret. */
function tracesOf(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof Error)) return { error: typeof error }
  const code = 'code' in error ? { code: String(error.code) } : {}
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return { error: error.name, ...code, stack: frames.map((line) => line.trim()).join(' < ') }
}
