import { OperatorError } from '../../support/operator-error.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'

/** How long a store that could not be written counts as broken. Milliseconds. */
const memory = 90_000

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

  app.get('/healthz', async () => {
    const health = metrics.health()
    if (health === 'stalled') throw notNow('the scheduler has not ticked for 90 s')
    return { status: health }
  })

  app.get('/readyz', async () => {
    if (metrics.health() !== 'ticking') throw notNow('the scheduler does not tick')
    if (storeFailed !== undefined && clock.sinceBoot() - storeFailed < memory) {
      throw notNow('the store could not be written')
    }
    const { suspect, reason } = (await operations().status()).clock
    if (suspect) throw notNow(`the clock is not trusted: ${reason ?? 'it jumped'}`)
    return { status: 'ready' }
  })

  app.get('/metrics', async (_request, reply) => {
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
