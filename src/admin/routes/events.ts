import { OperatorError } from '../../support/operator-error.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { auditHeader } from '../audit-header.ts'
import { EventLog } from '../event-log.ts'
import { streamEvents } from '../event-stream.ts'
import { mostConnections } from '../limits.ts'

/** Half of the connections stay free for questions. */
const mostStreams = mostConnections / 2

/** What happens, as it happens. */
export function eventRoutes(app: AdminApp, parts: AdminParts): void {
  const { events, clock, closing, door } = parts
  const config = {
    scope: 'read',
    operation: 'followEvents',
    answers: { 200: 'text/event-stream' },
    takes: ['Last-Event-ID'],
    summary:
      'What happens, as it happens: server-sent events. `Last-Event-ID` brings what was missed, or `reset`.',
  } as const
  const log = new EventLog(events)
  app.addHook('onClose', async () => log.close())
  let streams = 0
  app.get('/v1/events', { config }, async (request, reply) => {
    if (streams >= mostStreams) {
      throw new OperatorError(`${streams} clients follow the events already`, {
        kind: 'locked',
        hint: 'close some of them, or ask for /v1/status from time to time',
      })
    }
    reply.hijack()
    reply.raw.setHeaders(new Map(Object.entries(auditHeader(parts))))
    const last = request.headers['last-event-id']
    const isAllowed = () => door.isStillAllowed(request, 'read')
    streams += 1
    try {
      await streamEvents(reply.raw, log, last?.toString(), clock, { closing, isAllowed })
    } finally {
      streams -= 1
    }
  })
}
