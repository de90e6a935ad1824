import type { z } from 'zod'
import type { Notice } from './notice.ts'

/** What can be told once, and again where it did not get through. */
export interface Tellable {
  /** What it is told of: as long as that lasts it is told under this name. */
  readonly cause: string
  /** One line that stands alone. */
  readonly title: string
  /** Told again once a day. */
  readonly reminded: boolean
}

/** A way to a person, or to a program. */
export interface Channel<T extends Tellable = Notice> {
  /**
   * Hands one notice over. May be repeated with the same notice, also after it got through.
   * @throws OperatorError when it was not taken; names the host, never an address, token or password
   */
  send(notice: T, signal: AbortSignal): Promise<void>
}

/** An entry of the catalog. */
export interface ChannelType<Options> {
  /** A strict zod schema with a description of each key. Holds no secret: those are in files. */
  readonly schema: z.ZodType<Options>
  create(options: Options): Channel
}
