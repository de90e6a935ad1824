import { doctorView } from '../../operations/views/checks.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { bodySchema } from '../request.ts'

/** Whether each rotation could succeed. It puts files beside what is in use for a moment, so it is no mere reading. */
export function doctorRoutes(app: AdminApp, { operations }: AdminParts): void {
  app.post(
    '/v1/doctor',
    {
      config: {
        scope: 'rotate',
        operation: 'examine',
        answers: { 200: doctorView },
        summary: 'Whether each rotation could succeed; changes nothing.',
      },
      schema: { body: bodySchema({}) },
    },
    () => operations().doctor(),
  )
}
