import { z } from 'zod'
import { schemaVersion, time, views } from './registry.ts'

export const auditRow = z
  .object({
    seq: z.int().min(1),
    at: time,
    who: z.string(),
    why: z.string().exactOptional(),
    action: z.string(),
    material: z.string().exactOptional(),
    version: z.int().min(1).exactOptional(),
    fingerprint: z.string().exactOptional(),
    detail: z.string().exactOptional(),
    hash: z.string().describe('Of this row and the hash before it.'),
  })
  .register(views, { id: 'AuditRow' })

export const auditView = z
  .object({ schema_version: schemaVersion, rows: z.array(auditRow) })
  .register(views, { id: 'AuditRows' })

export const backupView = z.object({
  path: z.string(),
  bytes: z.int().min(0),
  made: time,
})

export const madeBackupView = backupView
  .extend({ schema_version: schemaVersion })
  .register(views, { id: 'Backup' })

export const requestView = z
  .object({
    schema_version: schemaVersion,
    csr: z.string().describe('A certificate request, RFC 2986, as PEM.'),
  })
  .register(views, { id: 'CertificateRequest' })

export const revealedView = z
  .object({ schema_version: schemaVersion, version: z.int().min(1) })
  .register(views, { id: 'Revealed' })
