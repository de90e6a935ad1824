import type { AdminApp } from './admin-app.ts'
import { refuse } from './answer-problem.ts'
import type { Door } from './door.ts'
import { hostCheck, isFromStranger } from './host-check.ts'
import { foreign, misdirected } from './refusals.ts'

/** A name without a dot, as in `curl --unix-socket … http://rekeyd/`: nobody else can make one resolve. */
const plainName = /^[a-z0-9-]+(?::\d{1,5})?$/i

/**
 * Whoever may open the socket may do everything. But a browser may reach it, too (`ssh -L 9471:SOCKET`), and with
 * it the pages of others: those change nothing, and see nothing by a name of their own (DNS rebinding).
 */
export function guardSocket(app: AdminApp): Door {
  const isLocal = hostCheck('localhost')
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    const { host = '' } = headers
    const name = host.replace(/:\d{1,5}$/, '')
    if (host !== '' && !plainName.test(host) && !isLocal(name, {}))
      return refuse(reply, misdirected)
    const isStrange = isFromStranger(headers, `http://${host}`)
    if (method !== 'GET' && isStrange) return refuse(reply, foreign)
  })
  return {
    signIn: async () => undefined,
    signOut() {},
    isStillAllowed: async () => true,
  }
}
