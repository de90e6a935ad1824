import { isDeepStrictEqual } from 'node:util'
import type { AdminOptions, TcpOptions } from './admin-app.ts'
import { type HttpListener, listenHttp } from './listen-http.ts'

/** The admin API over TCP as the present configuration wants it, which may be not at all. */
export class AdminHttp {
  readonly #options: AdminOptions
  #open: { readonly tcp: TcpOptions; readonly listener: HttpListener } | undefined

  constructor(options: AdminOptions) {
    this.#options = options
  }

  /** Where it answers; undefined where it does not. */
  get url(): string | undefined {
    return this.#open?.listener.url
  }

  /**
   * Listens as `tcp` says, or no longer. What did not change goes on undisturbed.
   * @throws OperatorError when that cannot be; it is then as it was before
   */
  async apply(tcp: TcpOptions | undefined): Promise<void> {
    const before = this.#open?.tcp
    if (isDeepStrictEqual(tcp, before)) return
    await this.close()
    try {
      await this.#listen(tcp)
    } catch (error) {
      await this.#listen(before)
      throw error
    }
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.listener.close()
  }

  async #listen(tcp: TcpOptions | undefined): Promise<void> {
    if (tcp) this.#open = { tcp, listener: await listenHttp(this.#options, tcp) }
  }
}
