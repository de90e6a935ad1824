import type {
  MaterialView,
  PlanItem,
  RotationView,
  StatusView,
  VersionView,
} from '../../../src/operations/views.ts'
import { emptyStatus } from '../../fakes/fake-operations.ts'

/** When everything here is looked at. */
export const now = Date.parse('2027-01-15T09:30:00Z')
const day = 86_400_000
const at = (days: number) => new Date(now + days * day).toISOString()

function version(number: number, different: Partial<VersionView> = {}): VersionView {
  return {
    version: number,
    state: 'active',
    compromised: false,
    origin: 'generated',
    fingerprint: `sha256:${'a1b2c3d4'.repeat(8)}`,
    attributes: {},
    created: at(-number * 30),
    ...different,
  }
}

export function sampleMaterial(different: Partial<MaterialView> = {}): MaterialView {
  return {
    name: 'vapid',
    kind: 'vapid',
    state: 'idle',
    schedule: 'every 30d',
    window: 'night',
    next_rotation: at(12),
    last_rotation: at(-18),
    consecutive_failures: 0,
    active: version(4),
    versions: [version(3, { state: 'withdrawn', keep_until: at(12) }), version(4)],
    targets: [
      {
        type: 'env',
        path: '/etc/chat/secrets.env',
        key: 'VAPID_PRIVATE_KEY',
        part: 'private_key',
        version: 'active',
        live: 'version 4',
      },
    ],
    consumers: ['chat-server'],
    drift: [],
    ...different,
  }
}

/** An error of 400 characters without a single space to break at. */
export const longError = `the verifier answered: ${'unexpected-certificate/'.repeat(17)}`.slice(
  0,
  400,
)

/** A material in each state, in no order. */
const sampleMaterials: readonly MaterialView[] = [
  sampleMaterial(),
  sampleMaterial({
    name: 'chat-tls',
    kind: 'tls',
    schedule: 'on change',
    state: 'needs_attention',
    reason: longError,
    active: version(7, { not_after: at(9) }),
    drift: [
      { where: 'target', place: '/var/lib/chat/server-cert.der', detail: 'holds something else' },
    ],
  }),
  sampleMaterial({
    name: 'chat-auth-token',
    kind: 'token',
    schedule: 'every 90d',
    state: 'awaiting_approval',
    next_rotation: at(-0.4),
    impact: 'All sessions drop at the restart; remote bearer clients fail until they have it.',
  }),
  sampleMaterial({
    name: 'db-key',
    kind: 'database-key',
    schedule: 'every 365d',
    next_rotation: at(80),
    last_rotation: at(-285),
    contains: ['opaque-setup', 'signing-key'],
  }),
  sampleMaterial({
    name: 'mail-dkim',
    kind: 'ed25519',
    state: 'retrying',
    reason: 'failed 2 times in a row',
    consecutive_failures: 2,
    next_attempt: at(0.02),
  }),
  sampleMaterial({
    name: 'node-identity',
    kind: 'node-identity',
    state: 'paused',
    reason: 'maintenance of the cluster',
    paused: { reason: 'maintenance of the cluster', who: 'cli:eve', until: at(3) },
  }),
  sampleMaterial({ name: 'push-relay', kind: 'vapid', state: 'rotating', overlap_until: at(30) }),
  sampleMaterial({
    name: 'www-tls',
    kind: 'tls',
    schedule: 'before expiry 30d',
    active: version(2, { not_after: at(62) }),
    next_rotation: at(32),
  }),
]

export const sampleRotation: RotationView = {
  schema_version: 1,
  id: '0190abc',
  trigger: 'manual',
  actor: 'cli:eve',
  reason: 'the old laptop is gone',
  started: at(-18),
  ended: new Date(now - 18 * day + 3_400).toISOString(),
  result: 'succeeded',
  steps: (['generate', 'stage', 'activate', 'resume', 'verify', 'finish'] as const).map(
    (name, index) => ({
      name,
      ...(name === 'stage' && { subject: '/etc/chat/secrets.env VAPID_PRIVATE_KEY' }),
      direction: 'forward',
      started: new Date(now - 18 * day + index * 500).toISOString(),
      ended: new Date(now - 18 * day + index * 500 + 420).toISOString(),
      outcome: 'done',
    }),
  ),
  changes: [{ material: 'vapid', from: 3, to: 4 }],
}

const failedRotation: RotationView = {
  ...sampleRotation,
  id: '0190abd',
  trigger: 'schedule',
  actor: 'schedule',
  started: at(-1),
  ended: new Date(now - day + 9_000).toISOString(),
  result: 'needs_attention',
  detail: longError,
  changes: [{ material: 'chat-tls', from: 6, to: 7 }],
  steps: [
    ...sampleRotation.steps.slice(0, 4),
    {
      name: 'verify',
      subject: 'quic 127.0.0.1:7000',
      direction: 'forward',
      started: at(-1),
      ended: at(-1),
      outcome: 'failed',
      detail: longError,
    },
    { name: 'activate', direction: 'back', started: at(-1), ended: at(-1), outcome: 'done' },
  ],
}

export const sampleRotations: readonly RotationView[] = [failedRotation, sampleRotation]

export const samplePlan: readonly PlanItem[] = [
  {
    at: at(12),
    material: 'vapid',
    action: 'rotate',
    window: 'night',
    consumers: ['chat-server'],
  },
  { at: at(30), material: 'push-relay', action: 'end-overlap', consumers: ['chat-server'] },
  { at: at(32), material: 'www-tls', action: 'rotate', consumers: ['nginx'] },
  { at: at(42), material: 'vapid', action: 'rotate', window: 'night', consumers: ['chat-server'] },
  {
    at: at(80),
    material: 'db-key',
    action: 'rotate',
    consumers: ['chat-server'],
    note: 'needs approval',
  },
]

export const sampleStatus: StatusView = {
  ...emptyStatus,
  started: at(-3),
  audit_head: `412:${'0f'.repeat(32)}`,
  materials: sampleMaterials,
}

/** As many materials, most of them well. */
export function manyMaterials(count: number): readonly MaterialView[] {
  return Array.from({ length: count }, (_, index) => {
    const like = index % 10 === 0 ? sampleMaterials[index % sampleMaterials.length] : undefined
    return { ...sampleMaterial({ next_rotation: at(index % 90) }), ...like, name: `key-${index}` }
  })
}
