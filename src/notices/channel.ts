import type { z } from 'zod'
import type { Notice } from './notice.ts'

/** A way to a person. */
export interface Channel {
  /**
   * Hands one notice over. May be repeated with the same notice, also after it got through.
   * @throws OperatorError when it was not taken; names the host, never an address, token or password
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>
}

/** An entry of the catalog. */
export interface ChannelType<Options> {
  /** A strict zod schema with a description of each key. Holds no secret: those are in files. */
  readonly schema: z.ZodType<Options>
  create(options: Options): Channel
}
