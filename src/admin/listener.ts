import type { Server } from 'node:http'
import type { AdminApp, AdminOptions } from './admin-app.ts'
import { limitServer } from './limits.ts'

/** How long answers under way may take once the listener closes. Milliseconds. */
const grace = 2_000

/**
 * Serves an app on whatever `bind` binds its server to.
 * @returns what `bind` says, and how to end it
 * @throws what `bind` throws
 */
export async function serve<T>(
  app: AdminApp,
  { clock }: Pick<AdminOptions, 'clock'>,
  bind: (server: Server) => Promise<T>,
): Promise<{ readonly bound: T; readonly close: () => Promise<void> }> {
  await app.ready()
  limitServer(app.server)
  const bound = await bind(app.server).catch(async (error: unknown) => {
    await app.close()
    throw error
  })
  return {
    bound,
    async close() {
      const closed = new AbortController()
      const cut = () => app.server.closeAllConnections()
      clock.sleep(grace, closed.signal).then(cut, () => {})
      await app.close()
      closed.abort()
    },
  }
}
