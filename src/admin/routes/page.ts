import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { materialPage } from '../page/material-page.ts'
import { overviewPage } from '../page/overview-page.ts'
import { rotationPage } from '../page/rotation-page.ts'
import { sendPage } from '../page/send-page.ts'
import { daysAhead } from '../page/timeline.ts'
import { visitorOf } from '../page/visitor.ts'
import { materialParams, rotationParams } from '../request.ts'

/** Rotations that the overview looks at, for its timelines, and a material's page shows. */
const most = { overview: 200, material: 25 } as const

const answers = { 200: 'text/html' } as const

/** Who may do what, and what is answered. */
const routes = {
  showOverview: { scope: 'read', operation: 'showOverview', summary: 'The status page.', answers },
  showMaterial: {
    scope: 'read',
    operation: 'showMaterial',
    summary: 'The page of one material.',
    answers,
  },
  showRotation: {
    scope: 'read',
    operation: 'showRotation',
    summary: 'The page of one rotation.',
    answers,
  },
} as const satisfies Routes

/** The status page, for people: what `/v1` answers, as HTML. */
export function pageRoutes(app: AdminApp, { operations, clock }: AdminParts): void {
  app.get('/', { config: routes.showOverview }, async (request, reply) => {
    const [status, plan, rotations] = await Promise.all([
      operations().status(),
      operations().plan(daysAhead),
      operations().history({ limit: most.overview }),
    ])
    const page = overviewPage({ status, plan, rotations }, visitorOf(request), clock.now())
    return sendPage(reply, page)
  })

  app.get(
    '/materials/:name',
    { config: routes.showMaterial, schema: { params: materialParams } },
    async (request, reply) => {
      const { name } = request.params
      const material = await operations().material(name)
      const [status, plan, rotations] = await Promise.all([
        operations().status(),
        operations().plan(daysAhead),
        operations().history({ material: name, limit: most.material }),
      ])
      const details = { status, material, plan, rotations }
      return sendPage(reply, materialPage(details, visitorOf(request), clock.now()))
    },
  )

  app.get(
    '/rotations/:id',
    { config: routes.showRotation, schema: { params: rotationParams } },
    async (request, reply) => {
      const rotation = await operations().rotation(request.params.id)
      return sendPage(reply, rotationPage(rotation, visitorOf(request)))
    },
  )
}
