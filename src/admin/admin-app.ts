import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Events } from '../model/events.ts'
import type { Operations } from '../operations/operations.ts'
import type { Clock } from '../support/clock.ts'
import type { Log } from './problem.ts'
import type { Scraped } from './scraped.ts'

export interface AdminOptions {
  /** Those of the present configuration: they change when it is read again. */
  readonly operations: () => Operations
  readonly events: Events
  readonly metrics: Scraped
  readonly clock: Clock
  /** By default a line of JSON on stderr. */
  readonly log?: Log
}

/** What the routes work with. */
export interface AdminParts extends AdminOptions {
  /** The server is closing: whoever waits is sent home. */
  readonly closing: AbortSignal
}

export type AdminApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>
