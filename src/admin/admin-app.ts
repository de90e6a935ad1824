import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Events } from '../model/events.ts'
import type { Operations } from '../operations/operations.ts'
import type { Clock } from '../support/clock.ts'
import type { TcpAddress } from './bind-tcp.ts'
import type { CertificateFiles } from './certificate.ts'
import type { Door } from './door.ts'
import type { Log } from './problem.ts'
import type { Scraped } from './scraped.ts'

export interface AdminOptions {
  /** Those of the present configuration: they change when it is read again. */
  readonly operations: () => Operations
  readonly events: Events
  readonly metrics: Scraped
  readonly clock: Clock
  /** `SEQ:HASH` of the newest audit row. */
  readonly auditHead: () => string
  readonly log: Log
}

/** The admin API over TCP: where it listens, and what a client must show. */
export interface TcpOptions extends TcpAddress {
  /** The file of API tokens. */
  readonly tokens: string
  /** What may stand in a `Host` header beside the address itself, with a port or without. */
  readonly hosts: readonly string[]
  /** PEM files. */
  readonly tls?: CertificateFiles
}

/** What the routes work with. */
export interface AdminParts extends AdminOptions {
  /** The server is closing: whoever waits is sent home. */
  readonly closing: AbortSignal
  readonly door: Door
}

export type AdminApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>
