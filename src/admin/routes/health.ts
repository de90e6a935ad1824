import type { StatusView } from '../../operations/views.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { healthView } from '../answers.ts'

/** How long a store that could not be written counts as broken. Milliseconds. */
const memory = 90_000
/** Anybody may ask whether it is ready, as often as they like; the store is asked this seldom. Milliseconds. */
const pause = 1_000

/** Who may do what, and what is answered. */
const routes = {
  getHealth: {
    scope: 'none',
    operation: 'getHealth',
    answers: { 200: healthView },
    fails: [503],
    summary: 'Whether it lives.',
  },
  getReadiness: {
    scope: 'none',
    operation: 'getReadiness',
    answers: { 200: healthView },
    fails: [503],
    summary: 'Whether it could rotate now.',
  },
  getMetrics: {
    scope: 'read',
    operation: 'getMetrics',
    answers: { 200: 'text/plain' },
    summary: 'What Prometheus scrapes.',
  },
} as const satisfies Routes

/** Whether rekeyd lives (`/healthz`), could rotate now (`/readyz`), and what it measures. */
export function healthRoutes(
  app: AdminApp,
  { metrics, operations, events, clock }: AdminParts,
): void {
  let storeFailed: number | undefined
  const stop = events.on('store.error', () => {
    storeFailed = clock.sinceBoot()
  })
  app.addHook('onClose', async () => stop())
  let asked: { readonly at: number; readonly clock: Promise<StatusView['clock']> } | undefined
  const clockState = () => {
    const at = clock.sinceBoot()
    if (!asked || at - asked.at >= pause) {
      asked = {
        at,
        clock: operations()
          .status()
          .then((status) => status.clock),
      }
    }
    return asked.clock
  }

  app.get('/healthz', { config: routes.getHealth }, async () => {
    const health = metrics.health()
    if (health === 'stalled') throw notNow('the scheduler has not ticked for 90 s')
    return { status: health }
  })

  app.get('/readyz', { config: routes.getReadiness }, async () => {
    if (metrics.health() !== 'ticking') throw notNow('the scheduler does not tick')
    if (storeFailed !== undefined && clock.sinceBoot() - storeFailed < memory) {
      throw notNow('the store could not be written')
    }
    const { suspect, reason } = await clockState()
    if (suspect) throw notNow(`the clock is not trusted: ${reason ?? 'it jumped'}`)
    return { status: 'ready' }
  })

  app.get('/metrics', { config: routes.getMetrics }, async (_request, reply) => {
    const { contentType, text } = await metrics.render()
    return reply.header('Content-Type', contentType).send(text)
  })
}

/** 503, by the kind that has it. */
function notNow(message: string): OperatorError {
  return new OperatorError(message, {
    kind: 'locked',
    hint: '`rekeyd status` and the log say more',
  })
}
