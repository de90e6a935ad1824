import { z } from 'zod'
import { remarkLevels } from '../../model/remark.ts'
import { targetView } from './material.ts'
import { schemaVersion, views } from './registry.ts'

const doctorFinding = z
  .object({
    level: z
      .enum(remarkLevels)
      .describe('`failure`: a rotation would fail. `warning`: it works, but should not stay so.'),
    check: z.string().describe('What was looked at: a stable slug, such as `target-writable`.'),
    place: z
      .string()
      .exactOptional()
      .describe('The file, unit, container or address that it is about.'),
    message: z.string(),
    hint: z.string().exactOptional().describe('What to type or change next.'),
    material: z.string().exactOptional(),
    consumer: z.string().exactOptional(),
  })
  .register(views, { id: 'DoctorFinding' })

export const doctorView = z
  .object({
    schema_version: schemaVersion,
    ok: z.boolean().describe('Whether no rotation would fail by what was found.'),
    user: z.string().describe('Whose permissions were tried.'),
    daemon: z.boolean().describe('Whether that was the daemon.'),
    findings: z.array(doctorFinding).describe('The worst first.'),
  })
  .register(views, { id: 'Doctor' })

export const verifyView = z
  .object({
    schema_version: schemaVersion,
    material: z.string(),
    targets: z.array(targetView),
    verifiers: z.array(
      z.object({
        type: z.string(),
        subject: z.string(),
        answer: z.enum(['yes', 'no', 'could not tell']),
        reason: z.string().exactOptional(),
      }),
    ),
    ok: z.boolean(),
  })
  .register(views, { id: 'Verification' })

export const noticeTestView = z
  .object({
    channel: z.string(),
    ok: z.boolean(),
    seconds: z.number().min(0).describe('How long it took.'),
    error: z.string().exactOptional(),
    hint: z.string().exactOptional(),
  })
  .register(views, { id: 'NoticeTest' })

export const noticeTestsView = z
  .object({ schema_version: schemaVersion, results: z.array(noticeTestView) })
  .register(views, { id: 'NoticeTests' })
