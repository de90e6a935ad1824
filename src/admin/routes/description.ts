import type { AdminApp } from '../admin-app.ts'

/** The API as OpenAPI 3.1, for whoever writes a client. @param describe makes it */
export function descriptionRoutes(app: AdminApp, describe: () => object): void {
  let text: string | undefined
  app.get(
    '/openapi.json',
    {
      config: {
        scope: 'none',
        operation: 'describe',
        answers: { 200: 'application/json' },
        summary: 'This description.',
      },
    },
    async (_request, reply) => {
      text ??= JSON.stringify(describe())
      return reply.type('application/json').send(text)
    },
  )
}
