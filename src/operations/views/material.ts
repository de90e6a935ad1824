import { z } from 'zod'
import { materialStates } from '../../model/material.ts'
import { versionStates } from '../../model/version.ts'
import { schemaVersion, time, views } from './registry.ts'

export const versionView = z
  .object({
    version: z.int().min(1).describe('Counts up from 1 and is never used twice.'),
    state: z.enum(versionStates),
    compromised: z.boolean(),
    origin: z.enum(['generated', 'adopted', 'imported']),
    fingerprint: z
      .string()
      .describe('`sha256:` and hex of the public part, a key id, or `hmac:` and hex of a secret.'),
    attributes: z
      .record(z.string(), z.string())
      .describe('Algorithm, form, serial number and the like. Never secret.'),
    created: time,
    not_before: time.exactOptional(),
    not_after: time.exactOptional().describe('When it stops being valid by itself.'),
    overlap_until: time.exactOptional().describe('Until when clients may still use it.'),
    keep_until: time.exactOptional().describe('Until when rekeyd can still give it back.'),
  })
  .register(views, { id: 'Version' })

export const targetView = z
  .object({
    type: z.string(),
    path: z.string(),
    key: z.string().exactOptional().describe('Which entry of the file.'),
    part: z.string().exactOptional(),
    format: z.string().exactOptional(),
    version: z.string().describe('Which version it is to hold.'),
    live: z
      .string()
      .describe(
        'What the last inspection found: `version 3`, `nothing`, `something else`, `unknown (…)`, or `not inspected`.',
      ),
  })
  .register(views, { id: 'Target' })

const drift = z.object({
  where: z.enum(['target', 'consumer']),
  place: z.string(),
  detail: z.string(),
})

const pause = z.object({
  until: time.exactOptional().describe('Absent: until resumed.'),
  reason: z.string(),
  who: z.string(),
})

export const impactCount = z
  .object({
    unit: z.string().describe("What is counted, in the operator's words: `users`."),
    count: z.int().min(0).exactOptional().describe('Absent where it could not be counted …'),
    problem: z.string().exactOptional().describe('… and why.'),
  })
  .register(views, { id: 'ImpactCount' })

export const materialView = z
  .object({
    name: z.string(),
    kind: z.string(),
    state: z.enum(materialStates),
    reason: z
      .string()
      .exactOptional()
      .describe('Why it is in that state, where that needs a word.'),
    schedule: z.string(),
    window: z.string().exactOptional(),
    next_rotation: time.exactOptional(),
    next_attempt: time.exactOptional(),
    last_rotation: time.exactOptional(),
    last_attempt: time.exactOptional(),
    consecutive_failures: z.int().min(0),
    active: versionView.exactOptional(),
    versions: z.array(versionView),
    targets: z.array(targetView),
    consumers: z.array(z.string()),
    overlap_until: time.exactOptional().describe('Until when clients may use the version before.'),
    keep_until: time.exactOptional().describe('Until when a rollback is possible.'),
    drift: z.array(drift).describe('Where something else is in use than the active version.'),
    paused: pause.exactOptional(),
    impact: z.string().exactOptional().describe('What a rotation does to clients.'),
    impact_count: impactCount
      .exactOptional()
      .describe('Where one material is asked for, and the config says how to count.'),
    contains: z
      .array(z.string())
      .exactOptional()
      .describe('Names of the materials that whoever has this one has, too.'),
  })
  .register(views, { id: 'Material' })

export const materialsView = z
  .object({ schema_version: schemaVersion, materials: z.array(materialView) })
  .register(views, { id: 'Materials' })
