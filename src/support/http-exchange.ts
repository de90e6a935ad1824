import type { ClientRequest } from 'node:http'

/** A whole answer. */
export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/**
 * Sends a request, and reads the whole answer.
 * @param longest bytes of the body; after more of them the connection is closed
 * @throws what `tooLong` makes, or an error of the connection: also where the server wants to speak another
 *   protocol (status 101), which Node tells nobody
 */
export function exchange(
  question: ClientRequest,
  longest: number,
  tooLong: () => Error,
  body?: string,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const broken = () => reject(new Error('the connection was closed without an answer'))
    question.once('error', reject).once('close', broken)
    question.once('response', (answer) => {
      // The request may be closed before the last of the answer is read.
      question.off('close', broken)
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > longest) answer.destroy(tooLong())
      })
      answer.once('error', reject).once('close', broken)
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }),
      )
    })
    question.end(body)
  })
}
