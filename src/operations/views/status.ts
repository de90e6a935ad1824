import { z } from 'zod'
import { materialView } from './material.ts'
import { schemaVersion, time, views } from './registry.ts'

export const statusView = z
  .object({
    schema_version: schemaVersion,
    version: z.string().describe('Of rekeyd.'),
    mode: z.enum(['observe', 'approve', 'rotate']),
    daemon: z
      .boolean()
      .describe('Whether the answer comes from a running daemon or from the store alone.'),
    pid: z.int().min(1).exactOptional(),
    started: time.exactOptional(),
    paths: z.object({
      state_dir: z.string(),
      socket: z.string().exactOptional(),
      metrics: z.string().exactOptional().describe('The URL of the metrics.'),
      config: z.string().exactOptional(),
    }),
    clock: z.object({ suspect: z.boolean(), reason: z.string().exactOptional() }),
    audit_head: z
      .string()
      .describe('`SEQ:HASH` of the newest audit row: kept elsewhere, it shows later what was cut.'),
    materials: z.array(materialView),
  })
  .register(views, { id: 'Status' })
