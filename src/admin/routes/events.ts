import { OperatorError } from '../../support/operator-error.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { auditHeader } from '../audit-header.ts'
import { streamEvents } from '../event-stream.ts'
import { mostConnections } from '../limits.ts'

/** Half of the connections stay free for questions. */
const mostStreams = mostConnections / 2

/** What happens, as it happens. */
export function eventRoutes(app: AdminApp, parts: AdminParts): void {
  const { events, clock, closing } = parts
  const config = {
    scope: 'read',
    summary: 'What happens, as it happens: server-sent events.',
  } as const
  let streams = 0
  app.get('/v1/events', { config }, async (_request, reply) => {
    if (streams >= mostStreams) {
      throw new OperatorError(`${streams} clients follow the events already`, { kind: 'locked' })
    }
    reply.hijack()
    reply.raw.setHeaders(new Map(Object.entries(auditHeader(parts))))
    streams += 1
    try {
      await streamEvents(reply.raw, events, clock, closing)
    } finally {
      streams -= 1
    }
  })
}
