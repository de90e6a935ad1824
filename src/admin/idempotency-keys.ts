import { OperatorError } from '../support/operator-error.ts'

/** The oldest are forgotten first. */
const mostRemembered = 1_000
const keyPattern = /^[\x21-\x7e]{1,128}$/

interface Remembered<T> {
  readonly request: string
  readonly answer: Promise<T>
}

/**
 * Requests that say by `Idempotency-Key` that they may be sent twice: the second gets the answer of the
 * first, also while that is under way. A failure is not remembered; nothing is after a restart.
 */
export class IdempotencyKeys<T> {
  readonly #remembered = new Map<string, Remembered<T>>()

  /**
   * @param request what is asked for: the same key may not stand for two things
   * @throws OperatorError `usage` for a key that is none, `refused` for one that stood for something else
   */
  async once(key: unknown, request: string, perform: () => Promise<T>): Promise<T> {
    if (key === undefined) return perform()
    if (typeof key !== 'string' || !keyPattern.test(key)) {
      throw new OperatorError('Idempotency-Key must be 1 to 128 visible ASCII characters', {
        kind: 'usage',
      })
    }
    const before = this.#remembered.get(key)
    if (!before) return this.#remember(key, request, perform())
    if (before.request === request) return before.answer
    throw new OperatorError('this Idempotency-Key was used for another request', {
      kind: 'refused',
      hint: 'use a new key for each new request',
    })
  }

  #remember(key: string, request: string, answer: Promise<T>): Promise<T> {
    const [oldest] = this.#remembered.keys()
    if (oldest !== undefined && this.#remembered.size >= mostRemembered) {
      this.#remembered.delete(oldest)
    }
    this.#remembered.set(key, { request, answer })
    answer.catch(() => this.#remembered.delete(key))
    return answer
  }
}
