import { hasCode, OperatorError } from './operator-error.ts'

/** For one question, in milliseconds. */
const patience = 10_000

/**
 * Asks a consumer over the network, for at most ten seconds.
 * @throws OperatorError ("could not tell") when the consumer cannot be reached or says something else
 */
export async function reach<T>(
  subject: string,
  signal: AbortSignal,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
  try {
    return await ask(limit)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof OperatorError) throw error
    if (limit.aborted)
      throw new OperatorError(`${subject} did not answer within ${patience / 1000}s`)
    if (hasCode(error, 'ECONNREFUSED')) throw new OperatorError(`nothing listens on ${subject}`)
    // The code only: other properties of such errors quote headers and input.
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new OperatorError(`${subject} could not be asked${code}`)
  }
}
