import type { AdminApp, AdminParts } from '../admin-app.ts'
import { statusPage } from '../status-page.ts'

/** Nothing but the page's own text is shown or loaded, and nobody may frame it. */
const policy =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

/** The status page. */
export function pageRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.get(
    '/',
    { config: { scope: 'read', summary: 'The status page.' } },
    async (_request, reply) => {
      const page = statusPage(await operations().status())
      return reply
        .headers({ 'Content-Security-Policy': policy, 'Referrer-Policy': 'no-referrer' })
        .type('text/html; charset=utf-8')
        .send(page)
    },
  )
}
