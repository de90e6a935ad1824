import { z } from 'zod'
import { requestView, revealedView } from '../../operations/views/records.ts'
import { rotationView } from '../../operations/views/rotation.ts'
import type { Routes } from '../access.ts'
import type { AdminApp, AdminParts } from '../admin-app.ts'
import { changing } from '../answers.ts'
import { acceptImpact, bodySchema, callerOf, materialParams, pathSchema } from '../request.ts'

const partName = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, 'is no name of a part')
const importBody = bodySchema({
  parts: z
    .array(
      z.strictObject({
        part: partName.describe('Which part the file holds.'),
        path: pathSchema.describe('A file that rekeyd itself may read.'),
      }),
    )
    .min(1)
    .max(16)
    .describe('The files of the version.'),
  accept_impact: acceptImpact,
})
const revealBody = bodySchema({
  version: z
    .union([z.int().min(1), z.enum(['next', 'previous'])], 'must be a number, next or previous')
    .exactOptional()
    .describe('By default the active one.'),
  part: partName.exactOptional().describe('By default the first.'),
  format: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, 'is no format')
    .exactOptional()
    .describe('By default the first.'),
  out: pathSchema.describe('The file that rekeyd writes, with mode 0600; it must not exist.'),
})

/** Who may do what, and what is answered. */
const routes = {
  import: {
    scope: 'admin',
    operation: 'import',
    answers: { 200: rotationView, 204: null },
    fails: changing,
    summary: 'Puts a version made elsewhere in place.',
    socketOnly: true,
  },
  requestCertificate: {
    scope: 'admin',
    operation: 'requestCertificate',
    answers: { 200: requestView },
    fails: changing,
    summary: 'Makes a key, and a certificate request for it.',
  },
  reveal: {
    scope: 'admin',
    operation: 'reveal',
    answers: { 200: revealedView },
    fails: changing,
    summary: 'Writes a value to a new file of mode 0600.',
    socketOnly: true,
  },
} as const satisfies Routes

/** Versions that come in and go out, by files of this host: no secret is ever in a request or an answer. */
export function versionRoutes(app: AdminApp, { operations }: AdminParts): void {
  const params = materialParams

  app.post(
    '/v1/materials/:name/import',
    { config: routes.import, schema: { params, body: importBody } },
    async (request, reply) => {
      const { name } = request.params
      const { parts, why: _, ...options } = request.body
      const rotation = await operations().import(name, parts, options, callerOf(request))
      return rotation ?? reply.code(204).send()
    },
  )

  app.post(
    '/v1/materials/:name/csr',
    { config: routes.requestCertificate, schema: { params, body: bodySchema({}) } },
    async (request) => ({
      schema_version: 1,
      csr: await operations().csr(request.params.name, callerOf(request)),
    }),
  )

  app.post(
    '/v1/materials/:name/reveal',
    { config: routes.reveal, schema: { params, body: revealBody } },
    async (request) => {
      const { version, part, format, out } = request.body
      const { name } = request.params
      const caller = callerOf(request)
      const shown = await operations().reveal(name, version, part, format, out, caller)
      return { schema_version: 1, version: shown.version }
    },
  )
}
