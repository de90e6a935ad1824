import { OperatorError } from '../../support/operator-error.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { streamEvents } from '../event-stream.ts'
import { mostConnections } from '../limits.ts'

/** Half of the connections stay free for questions. */
const mostStreams = mostConnections / 2

/** What happens, as it happens. */
export function eventRoutes(app: AdminApp, { events, clock, closing }: AdminParts): void {
  let streams = 0
  app.get('/v1/events', async (_request, reply) => {
    if (streams >= mostStreams) {
      throw new OperatorError(`${streams} clients follow the events already`, { kind: 'locked' })
    }
    reply.hijack()
    streams += 1
    try {
      await streamEvents(reply.raw, events, clock, closing)
    } finally {
      streams -= 1
    }
  })
}
