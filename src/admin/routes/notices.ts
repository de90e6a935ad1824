import { z } from 'zod'
import { noticeTestsView } from '../../operations/views/checks.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { bodySchema } from '../request.ts'

const testBody = bodySchema({
  channel: z.string().min(1).max(64).exactOptional().describe('One channel; by default all.'),
})

/** Whether notices would reach anybody. */
export function noticeRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.post(
    '/v1/notices/test',
    {
      config: {
        scope: 'rotate',
        operation: 'testNotices',
        answers: { 200: noticeTestsView },
        fails: [422],
        summary: 'Sends a test notice, and says how each channel fared.',
      },
      schema: { body: testBody },
    },
    async ({ body }) => ({
      schema_version: 1,
      results: await operations().testNotices(body.channel),
    }),
  )
}
