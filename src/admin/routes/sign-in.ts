import { z } from 'zod'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { refuse } from '../answer-problem.ts'
import { beginCookie, endCookie } from '../session-cookie.ts'

/** Bytes: a token and its name in a form. */
const largestForm = 1_024

const signInBody = z.strictObject({
  token: z.string().trim().min(1).max(200).describe('An API token.'),
})
const signOutBody = z.strictObject({
  csrf: z.string().max(64).exactOptional().describe('What the page was given for it.'),
})

/**
 * A browser shows a token once and has a cookie from then on. Forms are read by these routes only: everywhere else
 * a form of somebody else's page must not even be understood.
 */
export function signInRoutes(app: AdminApp, { door }: AdminParts): void {
  app.register(async (forms: AdminApp) => {
    forms.removeAllContentTypeParsers()
    forms.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: largestForm },
      async (_request: unknown, text: string) => Object.fromEntries(new URLSearchParams(text)),
    )

    forms.post(
      '/sign-in',
      {
        config: {
          scope: 'none',
          operation: 'signIn',
          answers: { 303: null },
          fails: [401, 429, 503],
          sends: ['Location', 'Set-Cookie'],
          summary: 'Gives a browser a session for a token.',
          form: true,
        },
        schema: { body: signInBody },
      },
      async (request, reply) => {
        const opened = await door.signIn(request.body.token, request)
        if (typeof opened === 'object') return refuse(reply, opened)
        if (opened !== undefined) reply.header('Set-Cookie', beginCookie(opened))
        return reply.redirect('/', 303)
      },
    )

    forms.post(
      '/sign-out',
      {
        config: {
          scope: 'read',
          operation: 'signOut',
          answers: { 303: null },
          sends: ['Location', 'Set-Cookie'],
          summary: 'Ends the session of a browser.',
          form: true,
        },
        schema: { body: signOutBody },
      },
      async (request, reply) => {
        door.signOut(request)
        return reply.header('Set-Cookie', endCookie).redirect('/', 303)
      },
    )
  })
}
