import { inspect } from 'node:util'
import { OperatorError } from '../../../src/support/operator-error.ts'
import { SeededRandom } from '../campaign.ts'
import { secretsIn } from '../secret-copies.ts'
import { placeholder } from './fuzz-class.ts'

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.split('')

/** What was asked for, or why it was refused. */
export type Answer<T> =
  | { readonly refusal?: undefined; readonly value: T }
  | { readonly refusal: OperatorError; readonly value?: undefined }

/** One case: a folder and a secret of its own, and an ear for everything that people could read. */
export class Trial {
  readonly folder: string
  readonly canary: string
  readonly #heard: string[] = []
  readonly #secrets = new Map<string, string>()

  constructor(folder: string, seed: number) {
    this.folder = folder
    const random = new SeededRandom(seed)
    this.canary = Array.from(placeholder, () => random.pick(letters)).join('')
    this.#secrets.set('canary', this.canary)
  }

  /** Something else that must not be shown. */
  keepSecret(name: string, text: string): void {
    this.#secrets.set(name, text)
  }

  /** The text with the case's secret where the placeholder stands. */
  plant(text: string): string {
    return text.replaceAll(placeholder, this.canary)
  }

  /** The same for text of which each character is a byte. */
  plantBytes(binary: string): Buffer {
    return Buffer.from(this.plant(binary), 'latin1')
  }

  /**
   * Does something that may be refused.
   * @throws what is no refusal: a crash
   */
  async ask<T>(action: () => Promise<T>): Promise<Answer<T>> {
    try {
      return { value: await action() }
    } catch (error) {
      this.hear(error)
      if (error instanceof OperatorError) return { refusal: error }
      throw error
    }
  }

  /** Takes note of something that people may read: errors with their stack, causes and properties. */
  hear(said: unknown): void {
    const options = { depth: 6, showHidden: true, maxStringLength: null, maxArrayLength: null }
    this.#heard.push(typeof said === 'string' ? said : inspect(said, options))
  }

  /** @throws when a secret was in something heard */
  refuseLeaks(): void {
    for (const said of this.#heard) {
      // `inspect` prints buffers in hex with blanks in between.
      const bytes = Buffer.from(`${said}\n${said.replaceAll(' ', '')}`)
      const [shown] = secretsIn(bytes, this.#secrets)
      if (shown !== undefined) throw new Error(`the ${shown} is shown: ${said.slice(0, 400)}`)
    }
  }
}
